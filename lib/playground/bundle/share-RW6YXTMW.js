import{b as s}from"./chunk-NGOXFZ3Y.js";import{e as c,f,g as l}from"./chunk-EGFH6RLT.js";import{b as d}from"./chunk-MRCT7FIL.js";import{a,d as t}from"./chunk-WKIEAH33.js";import"./chunk-EK7ODJWE.js";var g="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'",h=`
:root { color-scheme: light dark; --surface: light-dark(#fff, #121212); --sunken: light-dark(#f0f0ed, #26282f); --line: light-dark(#dddcd6, #363943); --text: light-dark(#1d1e22, #e8e8ea); --quiet: light-dark(#5c5f69, #a5a8b3); --accent: light-dark(#3750c4, #a3b3ff); --alert: light-dark(#a3251c, #ff9d94); --alert-soft: light-dark(#fdeceb, #3a2021); --mono: ui-monospace, monospace }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.6 system-ui, sans-serif }
.text { white-space: pre-wrap; overflow-wrap: anywhere }
.question { padding: .75rem 1rem; border-radius: .75rem; background: light-dark(#f0f0ed, #26282f) }
img { max-width: 100% }
summary { cursor: pointer }
`,p=/^data:image\/(?:png|jpeg|gif|webp);base64,/;function O(n,i){return`<!DOCTYPE html>
${t("html",{lang:document.documentElement.lang},t("head",t("meta",{charset:"utf-8"}),t("meta",{"http-equiv":"Content-Security-Policy",content:g}),t("meta",{name:"viewport",content:"width=device-width, initial-scale=1"}),t("title",n),t("style",h+l)),t("body",t("main",t("h1",n),...i.map(k)))).outerHTML}
`}function k({question:n,answers:i}){let o=n.images.filter(e=>p.test(e));return t("section",t("h2",a("Question")),t("div.question",...o.map(e=>t("p",t("img",{src:e,alt:a("Picture in the question")}))),...n.files.map(({name:e})=>t("p",a("File: {name}",{name:e}))),r(n.text)),...i.flatMap(e=>{let m=s(e);return[t("h2",e.name),m===""?null:u(a("Thinking"),r(m)),r(d(e)),c(e)?u(a("Reasoning"),f(e,!1)):null]}))}var r=n=>t("div.text",n);function u(n,i){return t("details",t("summary",n),i)}export{O as toHtml};
