/** The style of the reasoning view, here because a shared file contains it too. */
export const VIEW_STYLE = `
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
`;
