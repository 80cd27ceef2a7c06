import{i as w,j as q}from"./chunk-MRCT7FIL.js";import{a as s,d as r}from"./chunk-WKIEAH33.js";function u(e){return e<.1?s("{count} ms",{count:Math.round(e*1e3)}):s("{seconds} s",{seconds:e.toFixed(e<10?2:1)})}var b=e=>e===void 0?"\u2013":q(e);function x(e){return e.type==="tool"?e.name:e.number===0?e.role:`${e.role} ${e.number}`}var h=({kind:e})=>j[e](),j={step:()=>s("Step"),candidate:()=>s("Candidate"),tally:()=>s("Votes"),status:()=>s("Status")};function k({outcome:e}){return e==="ok"?"":e==="cancelled"?s("cancelled"):s("failed")}function _({entries:e}){let a=e.filter(t=>t.type==="call"),i=t=>a.reduce((m,d)=>m+t(d),0),o=a.flatMap(({first:t})=>t??[]);return{calls:a.length,tools:e.length-a.length,promptTokens:i(t=>t.prompt_tokens),completionTokens:i(t=>t.completion_tokens),cost:a.some(t=>t.cost!==void 0)?i(t=>t.cost??0):void 0,first:o.length===0?void 0:Math.min(...o)}}function T({parts:e}){let a=e.flatMap(l=>"o1"in l?[l.o1]:[]),i=new Map,o=a.flatMap(l=>l.type==="tool"?[l]:l.type==="call"?[{...l,number:0,prompt:I(l,i)}]:[]),t=o.slice(0,300).sort((l,f)=>l.start-f.start),m=t.filter(l=>l.type==="call");for(let l of Map.groupBy(m,({role:f})=>f).values())l.length>1&&l.forEach((f,n)=>f.number=n+1);let d=K(a).slice(0,300);return{entries:t,marks:d,phases:N(t,d),omitted:o.length-t.length,seconds:Math.max(0,...t.map(({end:l})=>l),...d.map(({at:l})=>l))}}function I({texts:e},a){return(e?.prompt??[]).map(i=>{let o=a.get(i.message);return o===void 0&&a.set(i.message,i),{...o??i,isKnown:o!==void 0}})}function K(e){let a=0;return e.flatMap(i=>{switch(i.type){case"step_start":return a=i.at,[];case"step_end":return[{kind:"step",at:i.at,start:a,label:i.title,text:""}];case"candidate":{let{at:o,index:t,answer:m,text:d}=i;return[{kind:"candidate",at:o,label:`${t+1}`,text:m||d}]}case"tally":{let o=i.counts.map(({answer:t,votes:m})=>`${m} \xD7 ${t}`);return[{kind:"tally",at:i.at,label:i.text,text:o.join(`
`)}]}case"status":return[{kind:"status",at:i.at,label:i.text,text:""}];default:return[]}})}function N(e,a){let i=Map.groupBy(e,({task:t})=>t),o=[];for(let t of i.values()){let{start:m}=t[0],d=t.find(f=>f.type==="call")?.role??"",l=o.at(-1);l?.role===d?l.tasks.push(t):o.push({role:d,start:m,tasks:[t],marks:[]})}for(let t of a)(o.findLast(({start:d})=>d<=(t.start??t.at))??o[0])?.marks.push(t);return o}var z=4;function S(e,a){let i=e.seconds||1,o=(n,c,p)=>(n.style.setProperty("--from",`${(c/i*100).toFixed(2)}%`),n.style.setProperty("--width",`${((p-c)/i*100).toFixed(2)}%`),n),t=(n,c,...p)=>r("li",n,r("span.view-bars",...p),r("span.view-time",c));function m(n){let{start:c,end:p}=n,v=n.type==="call"?n.first??p:c,y=n.outcome!=="ok",g=x(n),M=r("a.view-label",{href:`#${a(n)}`,title:g},g);return t(M,[u(p-c),k(n)].filter(R=>R!=="").join(" \xB7 "),o(r("span.view-bar.view-wait"),c,v),o(r("span",{class:`view-bar view-${n.type}${y?" view-bad":""}`}),v,p))}function d(n){let{kind:c,at:p,start:v,label:y}=n,g=[h(n),y].filter(M=>M!=="").join(" \xB7 ");return t(r("span.view-label",{title:g},g),v===void 0?s("at {time}",{time:u(p)}):u(p-v),v===void 0?o(r("span.view-dot"),p,p):o(r("span",{class:`view-bar view-${c}`}),v,p))}let l=[...e.entries.map(n=>({start:n.start,row:()=>m(n)})),...e.marks.map(n=>({start:n.start??n.at,row:()=>d(n)}))].sort((n,c)=>n.start-c.start),f=Array.from({length:z+1},(n,c)=>i*c/z);return r("div.view-timeline",r("p.view-key",{"aria-hidden":"true"},O("wait",s("waiting for the first token")),O("call",s("generating")),O("tool",s("running a tool")),O("step",s("step"))),r("div.view-axis",{"aria-hidden":"true"},...f.map(n=>o(r("span",u(n)),n,n))),r("ol",...l.map(({row:n})=>n())))}function O(e,a){return r("span",r("span",{class:`view-swatch view-${e}`}),a)}function A(e,a){return r("ul.view-tree",...e.phases.map(i=>X(i,a)))}function X({role:e,tasks:a,marks:i},o){return r("li",r("strong",a.length===1?e:`${e} \xD7 ${a.length}`),r("ul",...[...a.map(t=>({at:t[0].start,show:()=>C(t,o)})),...i.map(t=>({at:t.start??t.at,show:()=>r("li",V(t))}))].sort((t,m)=>t.at-m.at).map(({show:t})=>t())))}function C(e,a){let[i,...o]=e,t=r("li",E(i,a));return o.length>0&&t.append(r("ul",...o.map(m=>r("li",E(m,a))))),t}function E(e,{idOf:a,isLazy:i}){let o=r("div.view-body"),t=()=>o.append(...L(e,i)),m=r("details.view-entry",{id:a(e)},r("summary",r("span.view-name",x(e)),r("span.view-facts",D(e).join(" \xB7 "))),o);return i?m.addEventListener("toggle",t,{once:!0}):t(),m}function D(e){let{start:a,end:i}=e,o=k(e),t=o===""?[]:[o],m=s("{start} to {end}",{start:u(a),end:u(i)});if(e.type==="tool")return[s("tool"),m,...t];let d=e.estimated?"\u2248 ":"";return[m,...e.first===void 0?[]:[s("first token at {time}",{time:u(e.first)})],d+s("{prompt} + {completion} tokens",{prompt:w(e.prompt_tokens),completion:w(e.completion_tokens)}),...e.cost===void 0?[]:[b(e.cost)],...e.attempts>1?[s("{count} attempts",{count:e.attempts})]:[],...t]}function L(e,a){if(e.texts===void 0)return[r("p.view-quiet",s("This key may not see prompts and texts."))];if(e.type==="tool"){let{arguments:t,output:m}=e.texts;return[$(s("Arguments"),t),$(s("Output"),m)]}let{thinking:i,output:o}=e.texts;return[r("h4",s("Prompt")),...e.prompt.map(t=>P(t,a)),...i===""?[]:[$(s("Thinking"),i)],$(s("Output"),o)]}function P({message:e,role:a,text:i,isKnown:o},t){let m=e+1;return r("div.view-message",r("span.view-role",`${m} \xB7 ${a}`),o&&!t?r("p.view-quiet",s("Same as message {number} above.",{number:m})):r("pre",{tabindex:0,"aria-label":`${m} \xB7 ${a}`},i))}function $(e,a){return r("div",r("h4",e),r("pre",{tabindex:0,"aria-label":e},a===""?"\u2013":a))}function V(e){let{at:a,start:i,label:o,text:t}=e,m=[r("span.view-name",`${h(e)}${o===""?"":` ${o}`}`),r("span.view-facts",i===void 0?s("at {time}",{time:u(a)}):s("{start} to {end}",{start:u(i),end:u(a)}))];return t===""?r("div.view-mark",...m):r("details.view-mark",r("summary",...m),r("pre",{tabindex:0,"aria-label":h(e)},t))}var B=0,de=e=>T(e).entries.length>0;function pe(e,a){let i=T(e),o=++B,t=n=>`view-${o}-${i.entries.indexOf(n)}`;if(i.entries.length===0){let n=s("The server sent no call records for this answer.");return r("div.view",r("p.view-quiet",n))}let m=_(i),d=[[s("Calls"),w(m.calls)],[s("Tool runs"),w(m.tools)],[s("Prompt tokens"),w(m.promptTokens)],[s("Generated tokens"),w(m.completionTokens)],[s("Cost"),b(m.cost)],[s("Time"),u(i.seconds)]],l=A(i,{idOf:t,isLazy:a}),f=S(i,t);return f.addEventListener("click",n=>{let c=n.target instanceof Element?n.target.closest("a"):null,p=c&&l.querySelector(c.getAttribute("href")??"");p instanceof HTMLDetailsElement&&(n.preventDefault(),p.open=!0,p.scrollIntoView({block:"nearest"}),p.querySelector("summary")?.focus())}),r("div.view",r("dl.view-totals",...d.map(([n,c])=>r("div",r("dt",n),r("dd",c)))),r("h3",s("Timeline")),f,r("h3",s("Tree")),l,i.omitted===0?null:r("p.view-quiet",s("{count} more are not shown.",{count:i.omitted})))}var fe=`
.view-dialog { width: min(76rem, calc(100vw - 1.5rem)); max-width: none; max-height: calc(100dvh - 3rem); padding: 0 1.25rem 1.25rem; border: 1px solid var(--line); border-radius: 1rem; background: var(--surface); color: var(--text); box-shadow: var(--shadow); overflow: auto }
.view-dialog::backdrop { background: rgb(10 10 20 / 45%) }
.view-dialog header { position: sticky; z-index: 1; top: 0; display: flex; gap: 1rem; align-items: center; justify-content: space-between; padding: .8rem 0 .6rem; background: var(--surface) }
.view-dialog h2 { font-size: 1.05rem; overflow-wrap: anywhere }
.view-dialog .close { font-size: 1.3rem; line-height: 1 }
.view-choice { display: flex; flex-wrap: wrap; gap: .5rem 1.25rem; margin: 0 0 .75rem }
.view { font-size: .9rem; line-height: 1.5 }
.view h3 { margin: 1.1rem 0 .4rem; font-size: .95rem }
.view h4 { margin: .6rem 0 .2rem; font-size: .82rem; color: var(--quiet) }
.view ol, .view ul { margin: 0; padding: 0; list-style: none }
.view pre { max-height: 20rem; margin: 0; padding: .6rem .8rem; border-radius: .5rem; background: var(--sunken); font: .8rem/1.5 var(--mono); overflow: auto; overflow-wrap: anywhere; white-space: pre-wrap }
.view summary { cursor: pointer }
.view-quiet { margin: 0; color: var(--quiet) }
.view-totals { display: grid; grid-template-columns: repeat(auto-fit, minmax(7rem, 1fr)); gap: .5rem; margin: 0 }
.view-totals div { padding: .4rem .7rem; border-radius: .6rem; background: var(--sunken) }
.view-totals dt { color: var(--quiet); font-size: .8rem }
.view-totals dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums }
.view-timeline ol li, .view-axis { display: grid; grid-template-columns: minmax(6rem, 14rem) minmax(0, 1fr) 7.5rem; gap: .75rem; align-items: center }
.view-label { overflow: hidden; color: var(--text); text-overflow: ellipsis; white-space: nowrap }
a.view-label { color: var(--accent) }
.view-bars, .view-axis { position: relative }
.view-bars { height: .8rem; border-radius: .2rem; background: var(--sunken) }
.view-bar { position: absolute; top: 0; bottom: 0; left: var(--from); width: max(2px, var(--width)); border-radius: .2rem }
.view-dot { position: absolute; top: .1rem; left: calc(var(--from) - .3rem); width: .6rem; height: .6rem; border-radius: 50%; background: var(--quiet) }
.view-wait { background: light-dark(#c3caf0, #4a5486) }
.view-call { background: var(--accent) }
.view-tool { background: light-dark(#96470b, #ecb07d) }
.view-step { background: light-dark(#20683a, #8fd3a3) }
.view-bar.view-bad { background: var(--alert) }
.view-time, .view-facts { color: var(--quiet); font-size: .82rem; font-variant-numeric: tabular-nums }
.view-time { text-align: right }
.view-axis { height: 1.4rem; margin: 0 8.25rem 0 calc(min(14rem, 100%) + .75rem); font-size: .75rem; color: var(--quiet) }
.view-axis span { position: absolute; left: var(--from); transform: translateX(-50%); white-space: nowrap }
.view-key { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: 0 0 .3rem; color: var(--quiet); font-size: .8rem }
.view-swatch { display: inline-block; width: 1.2rem; height: .6rem; margin-right: .5rem; border-radius: .2rem }
.view-tree ul { margin-left: .45rem; padding-left: .9rem; border-left: 1px solid var(--line) }
.view-tree > li { margin-bottom: .5rem }
.view-name { margin-right: .6rem; font-weight: 600 }
.view-mark .view-name { font-weight: 400 }
.view-mark { padding-left: 1.05rem }
details.view-mark { padding-left: 0 }
.view-body { padding: .1rem 0 .7rem 1.05rem }
.view-message { display: grid; gap: .15rem; margin-bottom: .4rem }
.view-role { color: var(--quiet); font-size: .78rem }
.view-pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1rem; align-items: start }
.view-text { max-height: 60dvh; padding: .6rem .8rem; border: 1px solid var(--line); border-radius: .6rem; overflow: auto; overflow-wrap: anywhere; white-space: pre-wrap }
.view-line { min-height: 1.5em; content-visibility: auto; contain-intrinsic-block-size: auto 1.5em }
.view del { background: var(--alert-soft); color: var(--alert) }
.view ins { background: light-dark(#e3f4e8, #1c3626); color: light-dark(#175c30, #8fd3a3); text-decoration: none }
.view-scroll { overflow-x: auto }
.view-figures { font-variant-numeric: tabular-nums }
.view-figures td { text-align: right; white-space: nowrap }
.view-figures th[scope=col] { text-align: right }
@media (max-width: 44rem) {
  .view-dialog { padding: 0 .9rem .9rem }
  .view-figures { font-size: .8rem }
  .view-figures :is(th, td) { padding: .25rem .4rem }
  .view-pair { grid-template-columns: minmax(0, 1fr) }
  .view-timeline ol li { grid-template-columns: minmax(0, 1fr) auto; gap: 0 .5rem; margin-bottom: .35rem }
  .view-bars { grid-area: 2 / 1 / auto / -1 }
  .view-axis { margin: 0 1.2rem }
}
`;export{u as a,b,_ as c,T as d,de as e,pe as f,fe as g};
