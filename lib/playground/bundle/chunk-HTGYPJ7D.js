import{i as v,j as z}from"./chunk-MRCT7FIL.js";import{a as s,d as r}from"./chunk-WKIEAH33.js";function f(e){return e<.1?s("{count} ms",{count:Math.round(e*1e3)}):s("{seconds} s",{seconds:e.toFixed(e<10?2:1)})}var x=e=>e===void 0?"\u2013":z(e);function O(e){return e.kind==="tool"?e.name:e.number===0?e.role:`${e.role} ${e.number}`}var k=({kind:e})=>X[e](),X={step:()=>s("Step"),candidate:()=>s("Candidate"),tally:()=>s("Votes"),status:()=>s("Status")};function y({outcome:e}){return e==="ok"?"":e==="cancelled"?s("cancelled"):s("failed")}function S({entries:e}){let o=e.filter(t=>t.kind==="call"),i=t=>o.reduce((m,l)=>m+t(l),0),n=o.flatMap(({first:t})=>t??[]);return{calls:o.length,tools:e.length-o.length,promptTokens:i(t=>t.promptTokens),completionTokens:i(t=>t.completionTokens),cost:o.some(t=>t.cost!==void 0)?i(t=>t.cost??0):void 0,first:n.length===0?void 0:Math.min(...n)}}var u=e=>typeof e=="string"?e:"",g=e=>typeof e=="number"&&e>=0?e:0,_=e=>typeof e=="number"?e:void 0,A=e=>typeof e=="object"&&e!==null?e:{};function E({parts:e}){let o=e.flatMap(c=>"o1"in c?[c.o1]:[]),i=new Map,n=o.flatMap(c=>C(c,i)),t=n.slice(0,300).sort((c,w)=>c.start-w.start),m=t.filter(c=>c.kind==="call");for(let c of Map.groupBy(m,({role:w})=>w).values())c.length>1&&c.forEach((w,a)=>w.number=a+1);let l=L(o).slice(0,300);return{entries:t,marks:l,phases:V(t,l),omitted:n.length-t.length,seconds:Math.max(0,...t.map(({end:c})=>c),...l.map(({at:c})=>c))}}function C(e,o){let{type:i,texts:n}=e;if(i!=="call"&&i!=="tool")return[];let t=g(e.start),m={task:g(e.task),start:t,end:Math.max(t,g(e.end)),outcome:u(e.outcome)},l=n===void 0?void 0:A(n);return i==="tool"?[{kind:"tool",...m,name:u(e.name),texts:l&&{arguments:u(l.arguments),output:u(l.output)}}]:[{kind:"call",...m,role:u(e.role),number:0,first:_(e.first),attempts:g(e.attempts),promptTokens:g(e.prompt_tokens),completionTokens:g(e.completion_tokens),isEstimated:e.estimated===!0,cost:_(e.cost),texts:l&&{prompt:D(l.prompt,o),thinking:u(l.thinking),output:u(l.output)}}]}function D(e,o){return Array.isArray(e)?e.map(i=>{let{message:n,role:t,text:m}=A(i),l=g(n),c=o.has(l);return c||o.set(l,{role:u(t),text:u(m)}),{message:l,...o.get(l),isKnown:c}}):[]}function L(e){let o=0;return e.flatMap(i=>{let n=g(i.at);switch(i.type){case"step_start":return o=n,[];case"step_end":return[{kind:"step",at:n,start:o,label:u(i.title),text:""}];case"candidate":return[{kind:"candidate",at:n,label:`${g(i.index)+1}`,text:u(i.answer)||u(i.text)}];case"tally":return[{kind:"tally",at:n,label:u(i.text),text:P(i.counts)}];case"status":return[{kind:"status",at:n,label:u(i.text),text:""}];default:return[]}})}function P(e){return Array.isArray(e)?e.map(o=>{let{answer:i,votes:n}=A(o);return`${g(n)} \xD7 ${u(i)}`}).join(`
`):""}function V(e,o){let i=Map.groupBy(e,({task:t})=>t),n=[];for(let t of i.values()){let{start:m}=t[0],l=t.find(w=>w.kind==="call")?.role??"",c=n.at(-1);c?.role===l?c.tasks.push(t):n.push({role:l,start:m,tasks:[t],marks:[]})}for(let t of o)(n.findLast(({start:l})=>l<=(t.start??t.at))??n[0])?.marks.push(t);return n}var R=4;function j(e,o){let i=e.seconds||1,n=(a,d,p)=>(a.style.setProperty("--from",`${(d/i*100).toFixed(2)}%`),a.style.setProperty("--width",`${((p-d)/i*100).toFixed(2)}%`),a),t=(a,d,...p)=>r("li",a,r("span.view-bars",...p),r("span.view-time",d));function m(a){let{start:d,end:p}=a,h=a.kind==="call"?a.first??p:d,M=a.outcome!=="ok",b=O(a),q=r("a.view-label",{href:`#${o(a)}`,title:b},b);return t(q,[f(p-d),y(a)].filter(N=>N!=="").join(" \xB7 "),n(r("span.view-bar.view-wait"),d,h),n(r("span",{class:`view-bar view-${a.kind}${M?" view-bad":""}`}),h,p))}function l(a){let{kind:d,at:p,start:h,label:M}=a,b=[k(a),M].filter(q=>q!=="").join(" \xB7 ");return t(r("span.view-label",{title:b},b),h===void 0?s("at {time}",{time:f(p)}):f(p-h),h===void 0?n(r("span.view-dot"),p,p):n(r("span",{class:`view-bar view-${d}`}),h,p))}let c=[...e.entries.map(a=>({start:a.start,row:()=>m(a)})),...e.marks.map(a=>({start:a.start??a.at,row:()=>l(a)}))].sort((a,d)=>a.start-d.start),w=Array.from({length:R+1},(a,d)=>i*d/R);return r("div.view-timeline",r("p.view-key",{"aria-hidden":"true"},$("wait",s("waiting for the first token")),$("call",s("generating")),$("tool",s("running a tool")),$("step",s("step"))),r("div.view-axis",{"aria-hidden":"true"},...w.map(a=>n(r("span",f(a)),a,a))),r("ol",...c.map(({row:a})=>a())))}function $(e,o){return r("span",r("span",{class:`view-swatch view-${e}`}),o)}function K(e,o){return r("ul.view-tree",...e.phases.map(i=>B(i,o)))}function B({role:e,tasks:o,marks:i},n){return r("li",r("strong",o.length===1?e:`${e} \xD7 ${o.length}`),r("ul",...[...o.map(t=>({at:t[0].start,show:()=>F(t,n)})),...i.map(t=>({at:t.start??t.at,show:()=>r("li",Y(t))}))].sort((t,m)=>t.at-m.at).map(({show:t})=>t())))}function F(e,o){let[i,...n]=e,t=r("li",I(i,o));return n.length>0&&t.append(r("ul",...n.map(m=>r("li",I(m,o))))),t}function I(e,{idOf:o,isLazy:i}){let n=r("div.view-body"),t=()=>n.append(...H(e,i)),m=r("details.view-entry",{id:o(e)},r("summary",r("span.view-name",O(e)),r("span.view-facts",G(e).join(" \xB7 "))),n);return i?m.addEventListener("toggle",t,{once:!0}):t(),m}function G(e){let{start:o,end:i}=e,n=y(e),t=n===""?[]:[n],m=s("{start} to {end}",{start:f(o),end:f(i)});if(e.kind==="tool")return[s("tool"),m,...t];let l=e.isEstimated?"\u2248 ":"";return[m,...e.first===void 0?[]:[s("first token at {time}",{time:f(e.first)})],l+s("{prompt} + {completion} tokens",{prompt:v(e.promptTokens),completion:v(e.completionTokens)}),...e.cost===void 0?[]:[x(e.cost)],...e.attempts>1?[s("{count} attempts",{count:e.attempts})]:[],...t]}function H(e,o){if(e.texts===void 0)return[r("p.view-quiet",s("This key may not see prompts and texts."))];if(e.kind==="tool"){let{arguments:m,output:l}=e.texts;return[T(s("Arguments"),m),T(s("Output"),l)]}let{prompt:i,thinking:n,output:t}=e.texts;return[r("h4",s("Prompt")),...i.map(m=>W(m,o)),...n===""?[]:[T(s("Thinking"),n)],T(s("Output"),t)]}function W({message:e,role:o,text:i,isKnown:n},t){let m=e+1;return r("div.view-message",r("span.view-role",`${m} \xB7 ${o}`),n&&!t?r("p.view-quiet",s("Same as message {number} above.",{number:m})):r("pre",{tabindex:0,"aria-label":`${m} \xB7 ${o}`},i))}function T(e,o){return r("div",r("h4",e),r("pre",{tabindex:0,"aria-label":e},o===""?"\u2013":o))}function Y(e){let{at:o,start:i,label:n,text:t}=e,m=[r("span.view-name",`${k(e)}${n===""?"":` ${n}`}`),r("span.view-facts",i===void 0?s("at {time}",{time:f(o)}):s("{start} to {end}",{start:f(i),end:f(o)}))];return t===""?r("div.view-mark",...m):r("details.view-mark",r("summary",...m),r("pre",{tabindex:0,"aria-label":k(e)},t))}var J=0,ve=e=>E(e).entries.length>0;function he(e,o){let i=E(e),n=++J,t=a=>`view-${n}-${i.entries.indexOf(a)}`;if(i.entries.length===0){let a=s("The server sent no call records for this answer.");return r("div.view",r("p.view-quiet",a))}let m=S(i),l=[[s("Calls"),v(m.calls)],[s("Tool runs"),v(m.tools)],[s("Prompt tokens"),v(m.promptTokens)],[s("Generated tokens"),v(m.completionTokens)],[s("Cost"),x(m.cost)],[s("Time"),f(i.seconds)]],c=K(i,{idOf:t,isLazy:o}),w=j(i,t);return w.addEventListener("click",a=>{let d=a.target instanceof Element?a.target.closest("a"):null,p=d&&c.querySelector(d.getAttribute("href")??"");p instanceof HTMLDetailsElement&&(a.preventDefault(),p.open=!0,p.scrollIntoView({block:"nearest"}),p.querySelector("summary")?.focus())}),r("div.view",r("dl.view-totals",...l.map(([a,d])=>r("div",r("dt",a),r("dd",d)))),r("h3",s("Timeline")),w,r("h3",s("Tree")),c,i.omitted===0?null:r("p.view-quiet",s("{count} more are not shown.",{count:i.omitted})))}var ke=`
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
`;export{f as a,x as b,S as c,E as d,ve as e,he as f,ke as g};
