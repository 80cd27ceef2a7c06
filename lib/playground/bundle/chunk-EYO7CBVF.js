import{i as v,j as z}from"./chunk-HIMVD3XT.js";import{a as l,f as i}from"./chunk-HNEPW5AA.js";function w(e){return e<.1?l("{count} ms",{count:Math.round(e*1e3)}):l("{seconds} s",{seconds:e.toFixed(e<10?2:1)})}var x=e=>e===void 0?"\u2013":z(e);function O(e){return e.kind==="tool"?e.name:e.number===0?e.role:`${e.role} ${e.number}`}function k({kind:e}){switch(e){case"step":return l("Step");case"candidate":return l("Candidate");case"tally":return l("Votes");case"status":return l("Status")}}function y({outcome:e}){switch(e){case"ok":return"";case"cancelled":return l("cancelled");default:return l("failed")}}function _({entries:e}){let o=e.filter(t=>t.kind==="call"),r=t=>o.reduce((n,m)=>n+t(m),0),a=o.flatMap(({first:t})=>t??[]);return{calls:o.length,tools:e.length-o.length,promptTokens:r(t=>t.promptTokens),completionTokens:r(t=>t.completionTokens),cost:o.some(t=>t.cost!==void 0)?r(t=>t.cost??0):void 0,first:a.length===0?void 0:Math.min(...a)}}var p=e=>typeof e=="string"?e:"",g=e=>typeof e=="number"&&e>=0?e:0,S=e=>typeof e=="number"?e:void 0,A=e=>typeof e=="object"&&e!==null?e:{};function E({name:e,parts:o}){let r=o.flatMap(c=>"o1"in c?[c.o1]:[]),a=new Map,t=r.flatMap(c=>K(c,a)),n=t.slice(0,300).sort((c,s)=>c.start-s.start),m=n.filter(c=>c.kind==="call");for(let c of Map.groupBy(m,({role:s})=>s).values())c.length>1&&c.forEach((s,d)=>s.number=d+1);let f=N(r).slice(0,300);return{name:e,entries:n,marks:f,phases:V(n,f),omitted:t.length-n.length,seconds:Math.max(0,...n.map(({end:c})=>c),...f.map(({at:c})=>c))}}function K(e,o){let{type:r,texts:a}=e;if(r!=="call"&&r!=="tool")return[];let t=g(e.start),n={task:g(e.task),start:t,end:Math.max(t,g(e.end)),outcome:p(e.outcome)},m=a===void 0?void 0:A(a);return r==="tool"?[{kind:"tool",...n,name:p(e.name),texts:m&&{arguments:p(m.arguments),output:p(m.output)}}]:[{kind:"call",...n,role:p(e.role),number:0,first:S(e.first),attempts:g(e.attempts),promptTokens:g(e.prompt_tokens),completionTokens:g(e.completion_tokens),isEstimated:e.estimated===!0,cost:S(e.cost),texts:m&&{prompt:L(m.prompt,o),thinking:p(m.thinking),output:p(m.output)}}]}function L(e,o){return Array.isArray(e)?e.map(r=>{let{message:a,role:t,text:n}=A(r),m=g(a),f=o.has(m);return f||o.set(m,{role:p(t),text:p(n)}),{message:m,...o.get(m),isKnown:f}}):[]}function N(e){let o=0;return e.flatMap(r=>{let a=g(r.at);switch(r.type){case"step_start":return o=a,[];case"step_end":return[{kind:"step",at:a,start:o,label:p(r.title),text:""}];case"candidate":return[{kind:"candidate",at:a,label:`${g(r.index)+1}`,text:p(r.answer)||p(r.text)}];case"tally":return[{kind:"tally",at:a,label:p(r.text),text:P(r.counts)}];case"status":return[{kind:"status",at:a,label:p(r.text),text:""}];default:return[]}})}function P(e){return Array.isArray(e)?e.map(o=>{let{answer:r,votes:a}=A(o);return`${g(a)} \xD7 ${p(r)}`}).join(`
`):""}function V(e,o){let r=Map.groupBy(e,({task:t})=>t),a=[];for(let t of r.values()){let{start:n}=t[0],m=t.find(c=>c.kind==="call")?.role??"",f=a.at(-1);f?.role===m?f.tasks.push(t):a.push({role:m,start:n,tasks:[t],marks:[]})}for(let t of o)(a.findLast(({start:m})=>m<=(t.start??t.at))??a[0])?.marks.push(t);return a}var R=4;function j(e,o){let r=e.seconds||1,a=(s,d,u)=>(s.style.setProperty("--from",`${(d/r*100).toFixed(2)}%`),s.style.setProperty("--width",`${((u-d)/r*100).toFixed(2)}%`),s),t=(s,d,...u)=>i("li",{},s,i("span",{class:"view-bars"},...u),i("span",{class:"view-time"},d));function n(s){let{start:d,end:u}=s,h=s.kind==="call"?s.first??u:d,M=s.outcome!=="ok",b=O(s),q=i("a",{href:`#${o(s)}`,class:"view-label",title:b},b);return t(q,[w(u-d),y(s)].filter(C=>C!=="").join(" \xB7 "),a(i("span",{class:"view-bar view-wait"}),d,h),a(i("span",{class:`view-bar view-${s.kind}${M?" view-bad":""}`}),h,u))}function m(s){let{kind:d,at:u,start:h,label:M}=s,b=[k(s),M].filter(q=>q!=="").join(" \xB7 ");return t(i("span",{class:"view-label",title:b},b),h===void 0?l("at {time}",{time:w(u)}):w(u-h),h===void 0?a(i("span",{class:"view-dot"}),u,u):a(i("span",{class:`view-bar view-${d}`}),h,u))}let f=[...e.entries.map(s=>({start:s.start,row:()=>n(s)})),...e.marks.map(s=>({start:s.start??s.at,row:()=>m(s)}))].sort((s,d)=>s.start-d.start),c=Array.from({length:R+1},(s,d)=>r*d/R);return i("div",{class:"view-timeline"},i("p",{class:"view-key","aria-hidden":"true"},$("wait",l("waits for the first token")),$("call",l("call writes")),$("tool",l("tool runs")),$("step",l("step"))),i("div",{class:"view-axis","aria-hidden":"true"},...c.map(s=>a(i("span",{},w(s)),s,s))),i("ol",{},...f.map(({row:s})=>s())))}function $(e,o){return i("span",{},i("span",{class:`view-swatch view-${e}`}),o)}function X(e,o){return i("ul",{class:"view-tree"},...e.phases.map(r=>B(r,o)))}function B({role:e,tasks:o,marks:r},a){return i("li",{},i("strong",{},o.length===1?e:`${e} \xD7 ${o.length}`),i("ul",{},...[...o.map(t=>({at:t[0].start,show:()=>D(t,a)})),...r.map(t=>({at:t.start??t.at,show:()=>i("li",{},W(t))}))].sort((t,n)=>t.at-n.at).map(({show:t})=>t())))}function D(e,o){let[r,...a]=e,t=i("li",{},I(r,o));return a.length>0&&t.append(i("ul",{},...a.map(n=>i("li",{},I(n,o))))),t}function I(e,{idOf:o,isLazy:r}){let a=i("div",{class:"view-body"}),t=()=>a.append(...G(e,r)),n=i("details",{id:o(e),class:"view-entry"},i("summary",{},i("span",{class:"view-name"},O(e)),i("span",{class:"view-facts"},F(e).join(" \xB7 "))),a);return r?n.addEventListener("toggle",t,{once:!0}):t(),n}function F(e){let{start:o,end:r}=e,a=y(e),t=a===""?[]:[a],n=l("{start} to {end}",{start:w(o),end:w(r)});if(e.kind==="tool")return[l("tool"),n,...t];let m=e.isEstimated?"\u2248 ":"";return[n,...e.first===void 0?[]:[l("first token at {time}",{time:w(e.first)})],m+l("{prompt} + {completion} tokens",{prompt:v(e.promptTokens),completion:v(e.completionTokens)}),...e.cost===void 0?[]:[x(e.cost)],...e.attempts>1?[l("{count} attempts",{count:e.attempts})]:[],...t]}function G(e,o){if(e.texts===void 0)return[i("p",{class:"view-quiet"},l("This key may not see prompts and texts."))];if(e.kind==="tool"){let{arguments:n,output:m}=e.texts;return[T(l("Arguments"),n),T(l("Output"),m)]}let{prompt:r,thinking:a,output:t}=e.texts;return[i("h4",{},l("Prompt")),...r.map(n=>H(n,o)),...a===""?[]:[T(l("Thinking"),a)],T(l("Output"),t)]}function H({message:e,role:o,text:r,isKnown:a},t){let n=e+1;return i("div",{class:"view-message"},i("span",{class:"view-role"},`${n} \xB7 ${o}`),a&&!t?i("p",{class:"view-quiet"},l("As message {number} above.",{number:n})):i("pre",{tabindex:0,"aria-label":`${n} \xB7 ${o}`},r))}function T(e,o){return i("div",{},i("h4",{},e),i("pre",{tabindex:0,"aria-label":e},o===""?"\u2013":o))}function W(e){let{at:o,start:r,label:a,text:t}=e,n=[i("span",{class:"view-name"},`${k(e)}${a===""?"":` ${a}`}`),i("span",{class:"view-facts"},r===void 0?l("at {time}",{time:w(o)}):l("{start} to {end}",{start:w(r),end:w(o)}))];return t===""?i("div",{class:"view-mark"},...n):i("details",{class:"view-mark"},i("summary",{},...n),i("pre",{tabindex:0,"aria-label":k(e)},t))}var Y=0,ge=e=>E(e).entries.length>0;function ve(e,o){let r=E(e),a=++Y,t=s=>`view-${a}-${r.entries.indexOf(s)}`;if(r.entries.length===0){let s=l("The server has sent no records of the calls of this answer.");return i("div",{class:"view"},i("p",{class:"view-quiet"},s))}let n=_(r),m=[[l("Calls"),v(n.calls)],[l("Tool runs"),v(n.tools)],[l("Prompt tokens"),v(n.promptTokens)],[l("Generated tokens"),v(n.completionTokens)],[l("Cost"),x(n.cost)],[l("Time"),w(r.seconds)]],f=X(r,{idOf:t,isLazy:o}),c=j(r,t);return c.addEventListener("click",s=>{let d=s.target instanceof Element?s.target.closest("a"):null,u=d&&f.querySelector(d.getAttribute("href")??"");u instanceof HTMLDetailsElement&&(s.preventDefault(),u.open=!0,u.scrollIntoView({block:"nearest"}),u.querySelector("summary")?.focus())}),i("div",{class:"view"},i("dl",{class:"view-totals"},...m.map(([s,d])=>i("div",{},i("dt",{},s),i("dd",{},d)))),i("h3",{},l("Timeline")),c,i("h3",{},l("Tree")),f,r.omitted===0?null:i("p",{class:"view-quiet"},l("{count} more are not shown.",{count:r.omitted})))}var be=`
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
`;export{w as a,x as b,_ as c,E as d,ge as e,ve as f,be as g};
