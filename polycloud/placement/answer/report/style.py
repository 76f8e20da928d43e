"""How the report looks: light and dark by the reader's own setting, readable narrow, printed and without styles."""

CSS = """
:root{--bg:#fcfcfa;--panel:#fff;--ink:#1c1f23;--soft:#5b6470;--line:#dde1e6;--land:#d3d9df;--accent:#0b5cad;
--good:#1a7f37;--bad:#b42318;--warn:#8a5a00;
--compute:#0072b2;--storage:#00805d;--transfer:#c9540a;--commitment:#a8457f;--complexity:#b07c00;--penalty:#6b7280;
--fixed:#3d8fc4;--aws:#b35900;--azure:#0b6bcb;--gcp:#14804a;--oci:#b3261e;--onprem:#5b4b8a;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--bg:#14171a;--panel:#1b1f24;--ink:#e7eaee;--soft:#a3adb8;--line:#333a42;
--land:#39424c;--accent:#79b8ff;--good:#56d364;--bad:#ff8a80;--warn:#e3b341;
--compute:#4aa8e0;--storage:#2fbf93;--transfer:#f08a4b;--commitment:#dd86b8;--complexity:#e0b040;--penalty:#9aa3ad;
--fixed:#8ccbf0;--aws:#f0a050;--azure:#6cb0f5;--gcp:#4cc486;--oci:#f28b82;--onprem:#b3a1e6}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:70rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .25rem}h2{font-size:1.25rem;margin:2.5rem 0 .5rem}
h3{font-size:1rem;margin:1rem 0 .25rem}p{margin:.4rem 0;max-width:46rem}a{color:var(--accent)}
.soft,figcaption{color:var(--soft);font-size:.9rem}
nav{margin:.75rem 0 1rem;display:flex;flex-wrap:wrap;gap:.25rem 1rem;font-size:.9rem}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:.75rem;margin:1rem 0;padding:0}
.figures>div{background:var(--panel);border:1px solid var(--line);border-radius:.5rem;padding:.75rem 1rem}
.figures dt{color:var(--soft);font-size:.85rem}
.figures dd{margin:0;font-size:1.2rem;font-weight:600;font-variant-numeric:tabular-nums}
.figures dd small{display:block;font-size:.8rem;font-weight:400;color:var(--soft)}
.wide{overflow-x:auto;margin:.5rem 0;border:1px solid var(--line);border-radius:.5rem;background:var(--panel)}
table{border-collapse:collapse;width:100%;min-width:34rem;font-size:.9rem}
caption{text-align:left;color:var(--soft);padding:.5rem .75rem 0}
th,td{text-align:left;vertical-align:top;padding:.4rem .75rem;border-bottom:1px solid var(--line)}
thead th{color:var(--soft);font-weight:600;white-space:nowrap}tbody tr:last-child>*{border-bottom:0}
tbody th{font-weight:600}td,tbody th{overflow-wrap:break-word}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
tfoot td,tfoot th{border-top:2px solid var(--line);font-weight:600}
details{background:var(--panel);border:1px solid var(--line);border-radius:.5rem;margin:.5rem 0;padding:.5rem 1rem}
summary{cursor:pointer;font-weight:600}summary .soft{font-weight:400}details .wide{border:0}
.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
figure{margin:.5rem 0}svg{display:block;width:100%;height:auto}svg text{fill:var(--ink)}.plot text{font-size:12px}
svg .quiet{fill:var(--soft);font-size:11px}
.map .narrow{display:none}.plot{min-width:20rem}
.plots table{min-width:0}.plots tbody th{min-width:8.5rem}.plots .words{grid-column:1/-1}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,30rem),1fr));gap:1rem 1.5rem}
.bars{font-size:.9rem}
.row{display:grid;grid-template:"name bar value"/11rem 1fr 16rem;gap:.1rem .75rem;
align-items:center;margin:.4rem 0}.name{grid-area:name}.bar{grid-area:bar}.value{grid-area:value}
.bars .value{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.bar{display:flex;height:1.25rem;background:var(--line);border-radius:.2rem;overflow:hidden}
.bar>span{display:block;min-width:1px}.bar>span+span{border-left:1px solid var(--panel)}
.key{display:flex;flex-wrap:wrap;gap:.25rem 1rem;font-size:.85rem;list-style:none;padding:0;margin:.5rem 0}
.key i{display:inline-block;width:.8rem;height:.8rem;border-radius:.15rem;margin-right:.35rem;vertical-align:-.05rem}
@media (max-width:34rem){.row{grid-template:"name value" "bar bar"/1fr auto}
.map .broad,.map .quiet{display:none}.map .narrow{display:inline}
main{padding:1rem .75rem 3rem}th,td{padding:.35rem .5rem}}
@media print{details{break-inside:avoid}nav{display:none}}
"""
