import{i as v,j as z}from"./chunk-6J6UFL3R.js";import{a as n,d as r}from"./chunk-KPK5JBMR.js";function f(e){return e<.1?n("{count} ms",{count:Math.round(e*1e3)}):n("{seconds} s",{seconds:e.toFixed(e<10?2:1)})}var x=e=>e===void 0?"\u2013":z(e);function O(e){return e.kind==="tool"?e.name:e.number===0?e.role:`${e.role} ${e.number}`}var k=({kind:e})=>X[e](),X={step:()=>n("Step"),candidate:()=>n("Candidate"),tally:()=>n("Votes"),status:()=>n("Status")};function y({outcome:e}){return e==="ok"?"":e==="cancelled"?n("cancelled"):n("failed")}function S({entries:e}){let o=e.filter(t=>t.kind==="call"),i=t=>o.reduce((l,m)=>l+t(m),0),a=o.flatMap(({first:t})=>t??[]);return{calls:o.length,tools:e.length-o.length,promptTokens:i(t=>t.promptTokens),completionTokens:i(t=>t.completionTokens),cost:o.some(t=>t.cost!==void 0)?i(t=>t.cost??0):void 0,first:a.length===0?void 0:Math.min(...a)}}var u=e=>typeof e=="string"?e:"",g=e=>typeof e=="number"&&e>=0?e:0,_=e=>typeof e=="number"?e:void 0,A=e=>typeof e=="object"&&e!==null?e:{};function E({parts:e}){let o=e.flatMap(c=>"o1"in c?[c.o1]:[]),i=new Map,a=o.flatMap(c=>C(c,i)),t=a.slice(0,300).sort((c,w)=>c.start-w.start),l=t.filter(c=>c.kind==="call");for(let c of Map.groupBy(l,({role:w})=>w).values())c.length>1&&c.forEach((w,s)=>w.number=s+1);let m=L(o).slice(0,300);return{entries:t,marks:m,phases:V(t,m),omitted:a.length-t.length,seconds:Math.max(0,...t.map(({end:c})=>c),...m.map(({at:c})=>c))}}function C(e,o){let{type:i,texts:a}=e;if(i!=="call"&&i!=="tool")return[];let t=g(e.start),l={task:g(e.task),start:t,end:Math.max(t,g(e.end)),outcome:u(e.outcome)},m=a===void 0?void 0:A(a);return i==="tool"?[{kind:"tool",...l,name:u(e.name),texts:m&&{arguments:u(m.arguments),output:u(m.output)}}]:[{kind:"call",...l,role:u(e.role),number:0,first:_(e.first),attempts:g(e.attempts),promptTokens:g(e.prompt_tokens),completionTokens:g(e.completion_tokens),isEstimated:e.estimated===!0,cost:_(e.cost),texts:m&&{prompt:D(m.prompt,o),thinking:u(m.thinking),output:u(m.output)}}]}function D(e,o){return Array.isArray(e)?e.map(i=>{let{message:a,role:t,text:l}=A(i),m=g(a),c=o.has(m);return c||o.set(m,{role:u(t),text:u(l)}),{message:m,...o.get(m),isKnown:c}}):[]}function L(e){let o=0;return e.flatMap(i=>{let a=g(i.at);switch(i.type){case"step_start":return o=a,[];case"step_end":return[{kind:"step",at:a,start:o,label:u(i.title),text:""}];case"candidate":return[{kind:"candidate",at:a,label:`${g(i.index)+1}`,text:u(i.answer)||u(i.text)}];case"tally":return[{kind:"tally",at:a,label:u(i.text),text:P(i.counts)}];case"status":return[{kind:"status",at:a,label:u(i.text),text:""}];default:return[]}})}function P(e){return Array.isArray(e)?e.map(o=>{let{answer:i,votes:a}=A(o);return`${g(a)} \xD7 ${u(i)}`}).join(`
`):""}function V(e,o){let i=Map.groupBy(e,({task:t})=>t),a=[];for(let t of i.values()){let{start:l}=t[0],m=t.find(w=>w.kind==="call")?.role??"",c=a.at(-1);c?.role===m?c.tasks.push(t):a.push({role:m,start:l,tasks:[t],marks:[]})}for(let t of o)(a.findLast(({start:m})=>m<=(t.start??t.at))??a[0])?.marks.push(t);return a}var R=4;function j(e,o){let i=e.seconds||1,a=(s,d,p)=>(s.style.setProperty("--from",`${(d/i*100).toFixed(2)}%`),s.style.setProperty("--width",`${((p-d)/i*100).toFixed(2)}%`),s),t=(s,d,...p)=>r("li",{},s,r("span",{class:"view-bars"},...p),r("span",{class:"view-time"},d));function l(s){let{start:d,end:p}=s,h=s.kind==="call"?s.first??p:d,M=s.outcome!=="ok",b=O(s),q=r("a",{href:`#${o(s)}`,class:"view-label",title:b},b);return t(q,[f(p-d),y(s)].filter(N=>N!=="").join(" \xB7 "),a(r("span",{class:"view-bar view-wait"}),d,h),a(r("span",{class:`view-bar view-${s.kind}${M?" view-bad":""}`}),h,p))}function m(s){let{kind:d,at:p,start:h,label:M}=s,b=[k(s),M].filter(q=>q!=="").join(" \xB7 ");return t(r("span",{class:"view-label",title:b},b),h===void 0?n("at {time}",{time:f(p)}):f(p-h),h===void 0?a(r("span",{class:"view-dot"}),p,p):a(r("span",{class:`view-bar view-${d}`}),h,p))}let c=[...e.entries.map(s=>({start:s.start,row:()=>l(s)})),...e.marks.map(s=>({start:s.start??s.at,row:()=>m(s)}))].sort((s,d)=>s.start-d.start),w=Array.from({length:R+1},(s,d)=>i*d/R);return r("div",{class:"view-timeline"},r("p",{class:"view-key","aria-hidden":"true"},$("wait",n("waiting for the first token")),$("call",n("generating")),$("tool",n("running a tool")),$("step",n("step"))),r("div",{class:"view-axis","aria-hidden":"true"},...w.map(s=>a(r("span",{},f(s)),s,s))),r("ol",{},...c.map(({row:s})=>s())))}function $(e,o){return r("span",{},r("span",{class:`view-swatch view-${e}`}),o)}function K(e,o){return r("ul",{class:"view-tree"},...e.phases.map(i=>B(i,o)))}function B({role:e,tasks:o,marks:i},a){return r("li",{},r("strong",{},o.length===1?e:`${e} \xD7 ${o.length}`),r("ul",{},...[...o.map(t=>({at:t[0].start,show:()=>F(t,a)})),...i.map(t=>({at:t.start??t.at,show:()=>r("li",{},Y(t))}))].sort((t,l)=>t.at-l.at).map(({show:t})=>t())))}function F(e,o){let[i,...a]=e,t=r("li",{},I(i,o));return a.length>0&&t.append(r("ul",{},...a.map(l=>r("li",{},I(l,o))))),t}function I(e,{idOf:o,isLazy:i}){let a=r("div",{class:"view-body"}),t=()=>a.append(...H(e,i)),l=r("details",{id:o(e),class:"view-entry"},r("summary",{},r("span",{class:"view-name"},O(e)),r("span",{class:"view-facts"},G(e).join(" \xB7 "))),a);return i?l.addEventListener("toggle",t,{once:!0}):t(),l}function G(e){let{start:o,end:i}=e,a=y(e),t=a===""?[]:[a],l=n("{start} to {end}",{start:f(o),end:f(i)});if(e.kind==="tool")return[n("tool"),l,...t];let m=e.isEstimated?"\u2248 ":"";return[l,...e.first===void 0?[]:[n("first token at {time}",{time:f(e.first)})],m+n("{prompt} + {completion} tokens",{prompt:v(e.promptTokens),completion:v(e.completionTokens)}),...e.cost===void 0?[]:[x(e.cost)],...e.attempts>1?[n("{count} attempts",{count:e.attempts})]:[],...t]}function H(e,o){if(e.texts===void 0)return[r("p",{class:"view-quiet"},n("This key may not see prompts and texts."))];if(e.kind==="tool"){let{arguments:l,output:m}=e.texts;return[T(n("Arguments"),l),T(n("Output"),m)]}let{prompt:i,thinking:a,output:t}=e.texts;return[r("h4",{},n("Prompt")),...i.map(l=>W(l,o)),...a===""?[]:[T(n("Thinking"),a)],T(n("Output"),t)]}function W({message:e,role:o,text:i,isKnown:a},t){let l=e+1;return r("div",{class:"view-message"},r("span",{class:"view-role"},`${l} \xB7 ${o}`),a&&!t?r("p",{class:"view-quiet"},n("Same as message {number} above.",{number:l})):r("pre",{tabindex:0,"aria-label":`${l} \xB7 ${o}`},i))}function T(e,o){return r("div",{},r("h4",{},e),r("pre",{tabindex:0,"aria-label":e},o===""?"\u2013":o))}function Y(e){let{at:o,start:i,label:a,text:t}=e,l=[r("span",{class:"view-name"},`${k(e)}${a===""?"":` ${a}`}`),r("span",{class:"view-facts"},i===void 0?n("at {time}",{time:f(o)}):n("{start} to {end}",{start:f(i),end:f(o)}))];return t===""?r("div",{class:"view-mark"},...l):r("details",{class:"view-mark"},r("summary",{},...l),r("pre",{tabindex:0,"aria-label":k(e)},t))}var J=0,ve=e=>E(e).entries.length>0;function he(e,o){let i=E(e),a=++J,t=s=>`view-${a}-${i.entries.indexOf(s)}`;if(i.entries.length===0){let s=n("The server sent no call records for this answer.");return r("div",{class:"view"},r("p",{class:"view-quiet"},s))}let l=S(i),m=[[n("Calls"),v(l.calls)],[n("Tool runs"),v(l.tools)],[n("Prompt tokens"),v(l.promptTokens)],[n("Generated tokens"),v(l.completionTokens)],[n("Cost"),x(l.cost)],[n("Time"),f(i.seconds)]],c=K(i,{idOf:t,isLazy:o}),w=j(i,t);return w.addEventListener("click",s=>{let d=s.target instanceof Element?s.target.closest("a"):null,p=d&&c.querySelector(d.getAttribute("href")??"");p instanceof HTMLDetailsElement&&(s.preventDefault(),p.open=!0,p.scrollIntoView({block:"nearest"}),p.querySelector("summary")?.focus())}),r("div",{class:"view"},r("dl",{class:"view-totals"},...m.map(([s,d])=>r("div",{},r("dt",{},s),r("dd",{},d)))),r("h3",{},n("Timeline")),w,r("h3",{},n("Tree")),c,i.omitted===0?null:r("p",{class:"view-quiet"},n("{count} more are not shown.",{count:i.omitted})))}var ke=`
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
