"""The page that a report is filled into."""

from string import Template

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title: synthetic table report</title>
<style>
:root { --ink: #1f2933; --soft: #52606d; --line: #e4e7eb; --blue: #2563eb; }
* { box-sizing: border-box; }
body { margin: 0; background: #f5f7fa; color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 32px 20px 48px; }
h1 { font-size: 28px; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 19px; margin: 40px 0 4px; }
h3 { font-size: 14px; margin: 0; font-weight: 600; }
p { margin: 4px 0; color: var(--soft); }
header p { font-size: 16px; color: var(--ink); margin-top: 12px; max-width: 780px; }
.over { text-transform: uppercase; letter-spacing: 0.08em; font-size: 12px;
  color: var(--blue); font-weight: 600; margin: 0; }
.facts { display: flex; flex-wrap: wrap; gap: 10px 36px; margin-top: 18px; }
.facts div { display: flex; flex-direction: column; }
.facts span { color: var(--soft); font-size: 13px; }
.grid { display: grid; gap: 14px; margin-top: 12px;
  grid-template-columns: repeat(auto-fill, minmax(250px, 1fr)); }
.card, figure, .box { background: #fff; border: 1px solid var(--line);
  border-radius: 10px; padding: 14px 16px; margin: 0; }
.card p { font-size: 13px; }
.card .score { font-size: 25px; color: var(--ink); line-height: 1.25;
  margin: 2px 0 6px; }
.card .score span { display: block; font-size: 12px; color: var(--soft); }
.score small { font-size: 14px; font-weight: 400; margin-left: 6px; }
.score b { font-weight: 650; white-space: nowrap; }
.box svg { max-width: 720px; }
figcaption { display: flex; justify-content: space-between; gap: 8px; font-size: 13px;
  margin-bottom: 8px; }
figcaption b { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
figcaption span { color: var(--soft); }
svg { width: 100%; height: auto; display: block; }
.below { margin-top: 14px; }
.pill { font-style: normal; font-size: 12px; font-weight: 600; border-radius: 99px;
  padding: 2px 10px; white-space: nowrap; }
h3 { display: flex; justify-content: space-between; gap: 8px; align-items: center; }
header .pill { font-size: 14px; margin-right: 6px; }
.pass { background: #dcfce7; color: #166534; }
.unclear { background: #fef3c7; color: #92400e; }
.fail { background: #fee2e2; color: #991b1b; }
.card .rule { font-size: 12px; margin: 2px 0 6px; }
.card .warn { color: #92400e; }
td.long { white-space: normal; min-width: 320px; }
.heat { display: grid; gap: 14px; margin-top: 12px;
  grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); }
.key { font-size: 13px; }
.key i { display: inline-block; width: 12px; height: 12px; border-radius: 3px;
  margin: 0 5px -1px 14px; background: var(--blue); }
.key i.real { background: #9aa5b1; margin-left: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13px; margin-top: 6px; }
th, td { text-align: left; padding: 5px 10px 5px 0;
  border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
li { color: var(--soft); margin: 4px 0; }
footer { margin-top: 32px; font-size: 13px; color: var(--soft); }
</style>
</head>
<body>
<main>
<header>
<p class="over">Synthetic table report</p>
<h1>$title</h1>
<p>$pill $verdict</p>
<div class="facts">$facts</div>
</header>

$sections

<h2>What to keep in mind</h2>
<ul>$notes</ul>
<footer>Made with gaussflow. No scripts, nothing loaded from elsewhere.</footer>
</main>
</body>
</html>
""")
