import{a as l}from"./chunk-BFUUYGAU.js";import{a as i}from"./chunk-Q5F7VGZY.js";var w=e=>l("{seconds} s",{seconds:e.toFixed(e<10?2:1)}),v=new Intl.NumberFormat("en").format,X=new Intl.NumberFormat("en",{style:"currency",currency:"USD",maximumSignificantDigits:3}).format,x=e=>e===void 0?"\u2013":X(e);function O(e){return e.kind==="tool"?e.name:e.number===0?e.role:`${e.role} ${e.number}`}function k({kind:e}){switch(e){case"step":return l("Step");case"candidate":return l("Candidate");case"tally":return l("Votes");case"status":return l("Status")}}function y({outcome:e}){switch(e){case"ok":return"";case"cancelled":return l("cancelled");default:return l("failed")}}function S({entries:e}){let a=e.filter(t=>t.kind==="call"),r=t=>a.reduce((n,c)=>n+t(c),0),o=a.flatMap(({first:t})=>t??[]);return{calls:a.length,tools:e.length-a.length,promptTokens:r(t=>t.promptTokens),completionTokens:r(t=>t.completionTokens),cost:a.some(t=>t.cost!==void 0)?r(t=>t.cost??0):void 0,callSeconds:r(({start:t,end:n})=>n-t),first:o.length===0?void 0:Math.min(...o)}}var p=e=>typeof e=="string"?e:"",g=e=>typeof e=="number"&&e>=0?e:0,z=e=>typeof e=="number"?e:void 0,A=e=>typeof e=="object"&&e!==null?e:{};function E({name:e,parts:a}){let r=a.flatMap(m=>"o1"in m?[m.o1]:[]),o=new Map,t=r.flatMap(m=>C(m,o)),n=t.slice(0,300).sort((m,s)=>m.start-s.start),c=n.filter(m=>m.kind==="call");for(let m of Map.groupBy(c,({role:s})=>s).values())m.length>1&&m.forEach((s,d)=>s.number=d+1);let f=K(r).slice(0,300);return{name:e,entries:n,marks:f,phases:N(n,f),omitted:t.length-n.length,seconds:Math.max(0,...n.map(({end:m})=>m),...f.map(({at:m})=>m))}}function C(e,a){let{type:r,texts:o}=e;if(r!=="call"&&r!=="tool")return[];let t=g(e.start),n={task:g(e.task),start:t,end:Math.max(t,g(e.end)),outcome:p(e.outcome)},c=o===void 0?void 0:A(o);return r==="tool"?[{kind:"tool",...n,name:p(e.name),texts:c&&{arguments:p(c.arguments),output:p(c.output)}}]:[{kind:"call",...n,role:p(e.role),number:0,first:z(e.first),attempts:g(e.attempts),promptTokens:g(e.prompt_tokens),completionTokens:g(e.completion_tokens),isEstimated:e.estimated===!0,cost:z(e.cost),texts:c&&{prompt:D(c.prompt,a),thinking:p(c.thinking),output:p(c.output)}}]}function D(e,a){return Array.isArray(e)?e.map(r=>{let{message:o,role:t,text:n}=A(r),c=g(o),f=a.has(c);return f||a.set(c,{role:p(t),text:p(n)}),{message:c,...a.get(c),isKnown:f}}):[]}function K(e){let a=0;return e.flatMap(r=>{let o=g(r.at);switch(r.type){case"step_start":return a=o,[];case"step_end":return[{kind:"step",at:o,start:a,label:p(r.title),text:""}];case"candidate":return[{kind:"candidate",at:o,label:`${g(r.index)+1}`,text:p(r.answer)||p(r.text)}];case"tally":return[{kind:"tally",at:o,label:p(r.text),text:L(r.counts)}];case"status":return[{kind:"status",at:o,label:p(r.text),text:""}];default:return[]}})}function L(e){return Array.isArray(e)?e.map(a=>{let{answer:r,votes:o}=A(a);return`${g(o)} \xD7 ${p(r)}`}).join(`
`):""}function N(e,a){let r=Map.groupBy(e,({task:t})=>t),o=[];for(let t of r.values()){let{start:n}=t[0],c=t.find(m=>m.kind==="call")?.role??"",f=o.at(-1);f?.role===c?f.tasks.push(t):o.push({role:c,start:n,tasks:[t],marks:[]})}for(let t of a)(o.findLast(({start:c})=>c<=(t.start??t.at))??o[0])?.marks.push(t);return o}var _=4;function R(e,a){let r=e.seconds||1,o=(s,d,u)=>(s.style.setProperty("--from",`${(d/r*100).toFixed(2)}%`),s.style.setProperty("--width",`${((u-d)/r*100).toFixed(2)}%`),s),t=(s,d,...u)=>i("li",{},s,i("span",{class:"view-bars"},...u),i("span",{class:"view-time"},d));function n(s){let{start:d,end:u}=s,h=s.kind==="call"?s.first??u:d,M=s.outcome!=="ok",b=O(s),q=i("a",{href:`#${a(s)}`,class:"view-label",title:b},b);return t(q,[w(u-d),y(s)].filter(F=>F!=="").join(" \xB7 "),o(i("span",{class:"view-bar view-wait"}),d,h),o(i("span",{class:`view-bar view-${s.kind}${M?" view-bad":""}`}),h,u))}function c(s){let{kind:d,at:u,start:h,label:M}=s,b=[k(s),M].filter(q=>q!=="").join(" \xB7 ");return t(i("span",{class:"view-label",title:b},b),h===void 0?l("at {time}",{time:w(u)}):w(u-h),h===void 0?o(i("span",{class:"view-dot"}),u,u):o(i("span",{class:`view-bar view-${d}`}),h,u))}let f=[...e.entries.map(s=>({start:s.start,row:()=>n(s)})),...e.marks.map(s=>({start:s.start??s.at,row:()=>c(s)}))].sort((s,d)=>s.start-d.start),m=Array.from({length:_+1},(s,d)=>r*d/_);return i("div",{class:"view-timeline"},i("p",{class:"view-key","aria-hidden":"true"},$("wait",l("waits for the first token")),$("call",l("call writes")),$("tool",l("tool runs")),$("step",l("step"))),i("div",{class:"view-axis","aria-hidden":"true"},...m.map(s=>o(i("span",{},w(s)),s,s))),i("ol",{},...f.map(({row:s})=>s())))}function $(e,a){return i("span",{},i("span",{class:`view-swatch view-${e}`}),a)}function I(e,a){return i("ul",{class:"view-tree"},...e.phases.map(r=>P(r,a)))}function P({role:e,tasks:a,marks:r},o){return i("li",{},i("strong",{},a.length===1?e:`${e} \xD7 ${a.length}`),i("ul",{},...[...a.map(t=>({at:t[0].start,show:()=>V(t,o)})),...r.map(t=>({at:t.start??t.at,show:()=>i("li",{},U(t))}))].sort((t,n)=>t.at-n.at).map(({show:t})=>t())))}function V(e,a){let[r,...o]=e,t=i("li",{},j(r,a));return o.length>0&&t.append(i("ul",{},...o.map(n=>i("li",{},j(n,a))))),t}function j(e,{idOf:a,isLazy:r}){let o=i("div",{class:"view-body"}),t=()=>o.append(...G(e,r)),n=i("details",{id:a(e),class:"view-entry"},i("summary",{},i("span",{class:"view-name"},O(e)),i("span",{class:"view-facts"},B(e).join(" \xB7 "))),o);return r?n.addEventListener("toggle",t,{once:!0}):t(),n}function B(e){let{start:a,end:r}=e,o=y(e),t=o===""?[]:[o],n=l("{start} to {end}",{start:w(a),end:w(r)});if(e.kind==="tool")return[l("tool"),n,...t];let c=e.isEstimated?"\u2248 ":"";return[n,...e.first===void 0?[]:[l("first token at {time}",{time:w(e.first)})],c+l("{prompt} + {completion} tokens",{prompt:v(e.promptTokens),completion:v(e.completionTokens)}),...e.cost===void 0?[]:[x(e.cost)],...e.attempts>1?[l("{count} attempts",{count:e.attempts})]:[],...t]}function G(e,a){if(e.texts===void 0)return[i("p",{class:"view-quiet"},l("This key may not see prompts and texts."))];if(e.kind==="tool"){let{arguments:n,output:c}=e.texts;return[T(l("Arguments"),n),T(l("Output"),c)]}let{prompt:r,thinking:o,output:t}=e.texts;return[i("h4",{},l("Prompt")),...r.map(n=>H(n,a)),...o===""?[]:[T(l("Thinking"),o)],T(l("Output"),t)]}function H({message:e,role:a,text:r,isKnown:o},t){let n=e+1;return i("div",{class:"view-message"},i("span",{class:"view-role"},`${n} \xB7 ${a}`),o&&!t?i("p",{class:"view-quiet"},l("As message {number} above.",{number:n})):i("pre",{tabindex:0,"aria-label":`${n} \xB7 ${a}`},r))}function T(e,a){return i("div",{},i("h4",{},e),i("pre",{tabindex:0,"aria-label":e},a===""?"\u2013":a))}function U(e){let{at:a,start:r,label:o,text:t}=e,n=[i("span",{class:"view-name"},`${k(e)}${o===""?"":` ${o}`}`),i("span",{class:"view-facts"},r===void 0?l("at {time}",{time:w(a)}):l("{start} to {end}",{start:w(r),end:w(a)}))];return t===""?i("div",{class:"view-mark"},...n):i("details",{class:"view-mark"},i("summary",{},...n),i("pre",{tabindex:0,"aria-label":k(e)},t))}var W=0,pe=e=>E(e).entries.length>0;function fe(e,a){let r=E(e),o=++W,t=s=>`view-${o}-${r.entries.indexOf(s)}`;if(r.entries.length===0){let s=l("The server has sent no records of the calls of this answer.");return i("div",{class:"view"},i("p",{class:"view-quiet"},s))}let n=S(r),c=[[l("Calls"),v(n.calls)],[l("Tool runs"),v(n.tools)],[l("Prompt tokens"),v(n.promptTokens)],[l("Generated tokens"),v(n.completionTokens)],[l("Cost"),x(n.cost)],[l("Time"),w(r.seconds)]],f=I(r,{idOf:t,isLazy:a}),m=R(r,t);return m.addEventListener("click",s=>{let d=s.target instanceof Element?s.target.closest("a"):null,u=d&&f.querySelector(d.getAttribute("href")??"");u instanceof HTMLDetailsElement&&(s.preventDefault(),u.open=!0,u.scrollIntoView({block:"nearest"}),u.querySelector("summary")?.focus())}),i("div",{class:"view"},i("dl",{class:"view-totals"},...c.map(([s,d])=>i("div",{},i("dt",{},s),i("dd",{},d)))),i("h3",{},l("Timeline")),m,i("h3",{},l("Tree")),f,r.omitted===0?null:i("p",{class:"view-quiet"},l("{count} more are not shown.",{count:r.omitted})))}var ge=`
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
.view-figures td { text-align: right }
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
`;export{w as a,v as b,x as c,S as d,E as e,pe as f,fe as g,ge as h};
