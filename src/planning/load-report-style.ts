/** Of the report's page. */
export const LOAD_REPORT_STYLE = `
:root{--page:#f7f7f5;--card:#fff;--ink:#141413;--soft:#5b5a55;--line:#e2e1dc;--a:#2a6fd1;--b:#12875c;--c:#c4591b;--bad:#c02d2d;--good:#167a4a;--faint:#8b8a84}
@media(prefers-color-scheme:dark){:root{--page:#151514;--card:#1f1f1d;--ink:#f2f1ec;--soft:#b4b2a8;--line:#363531;--a:#6aa5f5;--b:#3dbf8b;--c:#ee8a4c;--bad:#f07272;--good:#55c48a;--faint:#8f8d85}}
*{box-sizing:border-box}
body{margin:0 auto;padding:24px 16px 48px;max-width:920px;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
h1{margin:0;font-size:24px;line-height:1.25;overflow-wrap:anywhere}h2{margin:0 0 8px;font-size:17px}h3{margin:0;font-size:13px;font-weight:500;color:var(--soft)}
header p{margin:4px 0 0;color:var(--soft)}header .over{margin:0 0 2px;font-size:13px}
small{color:var(--soft);font-size:12.5px}
section,figure{margin:16px 0 0;padding:16px;border:1px solid var(--line);border-radius:10px;background:var(--card)}
.verdict{border-left:5px solid}.verdict.good{border-left-color:var(--good)}.verdict.bad{border-left-color:var(--bad)}
.verdict.good h2,li.good{color:var(--good)}.verdict.bad h2,li.bad{color:var(--bad)}
.verdict ul{margin:0;padding:0;list-style:none}.verdict p{margin:8px 0 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(128px,1fr));gap:16px 12px}
.tiles p{margin:0;font-size:26px;line-height:1.3;font-weight:600}
figcaption{display:flex;flex-wrap:wrap;gap:2px 16px;margin-bottom:14px}figcaption b{flex:1 1 220px;font-size:17px}
.key{color:var(--soft);font-size:13px}.key i{display:inline-block;width:14px;height:3px;margin-right:6px;vertical-align:middle;border-radius:2px;background:currentcolor}
i.a{color:var(--a)}i.b{color:var(--b)}i.c{color:var(--c)}i.bad{color:var(--bad)}i.faint{color:var(--faint)}
.plot{display:grid;grid-template-columns:56px 1fr;grid-template-rows:220px 22px}
.plot svg{display:block;width:100%;height:100%;overflow:visible}
.y{position:relative}.y span{position:absolute;right:8px;transform:translateY(50%);white-space:nowrap}
.x{grid-column:2;position:relative}.x span{position:absolute;top:6px;transform:translateX(-50%);white-space:nowrap}.x span:last-child{transform:translateX(-100%)}.x span:first-child{transform:none}
.x,.y{color:var(--soft);font-size:12px;line-height:1;font-variant-numeric:tabular-nums}
.grid{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round;vector-effect:non-scaling-stroke}
.line.a{stroke:var(--a)}.line.b{stroke:var(--b)}.line.c{stroke:var(--c)}.line.bad{stroke:var(--bad)}.line.faint{stroke:var(--faint);stroke-dasharray:3 5}
.line.dot{stroke-width:6}
.area.a{fill:var(--a);opacity:.14}.bar.a{fill:var(--a)}
.hint{fill:transparent}.hint:hover{fill:var(--ink);fill-opacity:.07}
.wide{overflow-x:auto}table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}
th{color:var(--soft);font-size:13px;font-weight:500;text-align:right;white-space:nowrap}th,td{padding:6px 8px;border-bottom:1px solid var(--line)}tbody tr:last-child td{border-bottom:0}
td{text-align:right;white-space:nowrap}td:first-child,th:first-child{padding-left:0;text-align:left;white-space:normal}
.facts td{text-align:left;white-space:normal}.facts td:first-child{width:110px;color:var(--soft)}
td:first-child,th:first-child{position:sticky;left:0;background:var(--card)}
@media(max-width:560px){section,figure{padding:14px 12px}.plot{grid-template-columns:48px 1fr}figcaption b{flex-basis:100%}.x span:nth-child(even){display:none}th,td{padding:6px 4px;font-size:13px}td:first-child,th:first-child{padding-left:0}.facts td{font-size:14px}.facts td:first-child{width:90px}.stages tr>:nth-child(3){display:none}}
`.trim();
