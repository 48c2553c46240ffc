// How the report looks: quiet, legible, the same on a screen in light or dark and on paper.

export const reportStyle = `
:root{color-scheme:light dark;--ink:#1b2430;--soft:#5b6675;--line:#d9dee5;--page:#fbfaf7;--card:#fff;--accent:#0b5d66;--bad:#9c2c1f}
@media (prefers-color-scheme:dark){:root{--ink:#e7e9ec;--soft:#9aa6b4;--line:#2f3945;--page:#12171d;--card:#1a2129;--accent:#6fc7cf;--bad:#f0907f}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 system-ui,"DejaVu Sans",sans-serif}
main{max-width:62rem;margin:0 auto;padding:3rem 1.5rem 5rem}
.kicker{margin:0;color:var(--accent);font-size:.8rem;letter-spacing:.12em;text-transform:uppercase}
h1{margin:.2rem 0 .4rem;font-size:2rem;line-height:1.2;font-weight:650}
h2{margin:2.4rem 0 .5rem;font-size:1.2rem;font-weight:650}
.lead,.none,section>p{color:var(--soft);margin:.2rem 0 .8rem;max-width:46rem}
.trust{margin:2rem 0;padding:1.1rem 1.4rem;background:var(--card);border:1px solid var(--line);border-left:4px solid var(--accent);border-radius:6px}
.trust h2{margin:.1rem 0 .4rem}.trust p strong{color:var(--ink)}
.name,code{font:.85em/1.5 ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
section>p.name{color:var(--ink);font-size:1.05rem}
dl{display:grid;grid-template-columns:9rem 1fr;gap:.3rem 1rem;margin:.8rem 0}dt{color:var(--soft)}dd{margin:0}
.figures{display:flex;flex-wrap:wrap;gap:.8rem;list-style:none;margin:1.5rem 0 0;padding:0}
.figures li{flex:1 1 9rem;padding:.8rem 1rem;background:var(--card);border:1px solid var(--line);border-radius:6px;color:var(--soft);font-size:.85rem}
.figures b{display:block;color:var(--ink);font-size:1.6rem;font-weight:600;font-variant-numeric:tabular-nums}
.wide{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:.88rem}
th,td{padding:.4rem .7rem .4rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
thead th{color:var(--soft);font-weight:600;font-size:.78rem;border-bottom-width:2px}
.n{font-variant-numeric:tabular-nums;white-space:nowrap}time{white-space:nowrap;font-variant-numeric:tabular-nums}
.no{color:var(--bad);font-weight:600}.ok{color:var(--soft)}
.bars th{width:6rem;font-weight:400}.bars td:last-child{width:6rem}meter{width:100%;height:.8rem}
@page{margin:18mm 16mm}
@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--page:#fff;--card:#fff;--accent:#000;--bad:#000}
body{font-size:10pt}main{max-width:none;padding:0}h2{break-after:avoid}tr,.trust,.figures li{break-inside:avoid}thead{display:table-header-group}h1{font-size:17pt}.figures li{flex-basis:5rem}section>p.name{font-size:9pt}.wide{overflow:visible}}
`
