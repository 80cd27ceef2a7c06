import{b as a}from"./chunk-MRCT7FIL.js";import{a as e,d as m}from"./chunk-WKIEAH33.js";function g(t,n){let r=n.map(({question:o,answers:c})=>{let s=o.files.map(({name:i})=>`*${e("File: {name}",{name:i})}*`),u=o.images.map(()=>`*${e("Picture")}*`);return[`## ${e("Question")}

${[...s,...u,o.text].join(`

`)}`,...c.map(i=>`## ${i.name}

${l(i)}${a(i)}`)].join(`

`)});return`# ${t}

${r.join(`

`)}
`}function f({parts:t}){return t.map(n=>"reasoning"in n?n.reasoning:"").join("").trim()}function l(t){let n=f(t);return n===""?"":`<details><summary>${e("Thinking")}</summary>

${n}

</details>

`}function j(t,n,r){let o=URL.createObjectURL(new Blob([r],{type:n}));m("a",{href:o,download:t}).click(),setTimeout(()=>URL.revokeObjectURL(o),1e4)}export{g as a,f as b,j as c};
