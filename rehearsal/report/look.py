"""How does the page look? Its one style sheet, for light and dark, wide and narrow, screen and paper."""

STYLE = """
:root{color-scheme:light dark;
--page:#fff;--panel:#f5f7f9;--ink:#1d2530;--soft:#5a6572;--line:#d9dfe5;
--good:#1e7a45;--good-fill:#b9e2c8;--bad:#b3261e;--bad-fill:#f6c9c4;
--rule:#6b4bab;--rule-fill:#ddd2f1;--held:#8a5a00;--held-fill:#fbe0a6;
--told:#1a66a8;--off:#dfe4e9;--link:#1a5fa0}
@media (prefers-color-scheme:dark){:root{
--page:#14181d;--panel:#1c2228;--ink:#e4e8ec;--soft:#9ba7b3;--line:#333c45;
--good:#6fcf97;--good-fill:#1f5a3a;--bad:#ff8a80;--bad-fill:#7a2b26;
--rule:#b79df0;--rule-fill:#463769;--held:#f0c060;--held-fill:#614a12;
--told:#7ab8f0;--off:#2c343c;--link:#7ab8f0}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1080px;padding:1.5rem 1.5rem 4rem;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
overflow-wrap:break-word}
a{color:var(--link)}
h1,h2,h3{line-height:1.25;text-wrap:balance;margin:0}
h1{font-size:1.6rem;max-width:52rem}h2{font-size:1.6rem;max-width:52rem}
h3{font-size:1.05rem;margin:2rem 0 .6rem}
header p{margin:.4rem 0 0;max-width:52rem}
.what{color:var(--soft);font-size:.88rem}
.row-name{color:var(--soft);font-weight:400}
.badge{display:inline-block;padding:.05rem .6rem;border-radius:1rem;font-size:.85rem;font-weight:600}
.badge.ok{background:var(--good-fill);color:var(--ink)}.badge.no{background:var(--bad-fill);color:var(--ink)}
section+section,.index+section{border-top:2px solid var(--line);margin-top:3.5rem;padding-top:2.5rem}
dl.sums{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.6rem;margin:1.2rem 0 0}
dl.sums div{background:var(--panel);border-radius:.5rem;padding:.5rem .8rem}
dl.sums dt{color:var(--soft);font-size:.82rem}
dl.sums dd{margin:0;font-size:1.2rem;font-weight:600;font-variant-numeric:tabular-nums}
dl.sums small{display:block;font-size:.78rem;font-weight:400;color:var(--soft)}
figure{margin:1.4rem 0 0}
.drawn{display:flex;overflow-x:auto;padding-bottom:.3rem}
.drawn:focus-visible{outline:2px solid var(--link)}
.names{position:sticky;left:0;flex:none;background:var(--page);z-index:1}
.chart{flex:none}
svg text{font-size:11.5px;fill:var(--ink)}svg .soft{fill:var(--soft)}svg .lane{font-size:13px;font-weight:600}
svg .deed{font-weight:600}svg a{text-decoration:none}svg a:hover text{text-decoration:underline}
.grid{stroke:var(--line)}.rule-off{stroke:var(--line)}
.served{fill:var(--good-fill)}.missing{fill:var(--bad-fill)}.served,.missing{shape-rendering:crispEdges}
rect.broken{fill:var(--bad-fill)}rect.rule{fill:var(--rule-fill)}rect.held{fill:var(--held-fill)}
rect.in{fill:var(--good-fill)}rect.out{fill:none;stroke:var(--soft);stroke-dasharray:3 3}
.effect{fill:var(--ink)}.by-hand{fill:var(--held);stroke:var(--page)}.person{fill:var(--held)}
.fence{stroke:var(--ink);stroke-width:1.5;fill:none}
.signal{fill:var(--rule)}.notification{fill:none;stroke:var(--told);stroke-width:2}
.page{fill:var(--bad);stroke:var(--page)}.resolved{fill:var(--page);stroke:var(--good);stroke-width:2}
.worker{stroke:var(--soft);stroke-width:2;fill:none}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;list-style:none;margin:.6rem 0 0;padding:0;
font-size:.85rem;color:var(--soft)}
.legend li{display:flex;align-items:center;gap:.4rem}
ul.asked{list-style:none;margin:0;padding:0}ul.holds{columns:24rem 2;column-gap:2rem}
ul.asked li{break-inside:avoid;padding:.12rem 0 .12rem 1.6rem;position:relative}
ul.asked li::before{position:absolute;left:.1rem;font-weight:700}
ul.holds li::before{content:"\\2713";color:var(--good)}
ul.fails li::before{content:"\\2717";color:var(--bad);left:.5rem}
ul.fails li{background:var(--panel);border-left:4px solid var(--bad);border-radius:.3rem;
padding:.5rem .8rem .5rem 1.8rem;margin:.3rem 0 .8rem}
.why{color:var(--soft);font-size:.9rem}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th{color:var(--soft);font-weight:400;font-size:.85rem}
td,th{padding:.3rem .8rem .3rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
.t{white-space:nowrap;font-variant-numeric:tabular-nums}td.n{text-align:right}th.n{text-align:right}
td.t a{color:inherit;text-decoration:none}td.t a:hover{text-decoration:underline}
tr:target td{background:var(--held-fill)}
td.k{white-space:nowrap;font-weight:600}
.k.world{color:var(--bad)}.k.signal,.k.rule,.k.verdict{color:var(--rule)}.k.held{color:var(--held)}
.k.page{color:var(--bad)}.k.notification{color:var(--told)}.k.users{color:var(--good)}
.k.effect{color:var(--ink)}.k.worker{color:var(--soft)}.k.person{color:var(--held)}
tr.effect td,tr.page td{background:var(--panel)}
@media (max-width:640px){body{padding:1rem 1rem 3rem}h1,h2{font-size:1.3rem}
ul.holds{columns:auto}
table.story thead{display:none}table.story tr{display:flex;flex-wrap:wrap;gap:0 .8rem;padding:.35rem 0;
border-bottom:1px solid var(--line)}table.story td{border:0;padding:0}table.story td:last-child{flex:1 0 100%}
tr.effect,tr.page{background:var(--panel)}.index .n{display:none}}
@media print{body{max-width:none;padding:0}.drawn{overflow:visible;zoom:.62}section{break-before:page}
section:first-of-type{break-before:auto}}
"""
