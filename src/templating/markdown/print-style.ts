/** The style sheet of markdown on paper, of whatever size the request says. */
export const PRINT_STYLE = `
@page {
  margin: 20mm 20mm 24mm;
  @bottom-center {
    content: counter(page) " / " counter(pages);
    font: 8.5pt var(--text);
    color: #59636e;
    padding-top: 6mm;
    vertical-align: top;
  }
}

:root {
  --text: -apple-system, "Segoe UI", "Noto Sans", "Liberation Sans", "Helvetica Neue", Arial, system-ui, sans-serif;
  --code: ui-monospace, "SF Mono", Menlo, Consolas, "Noto Sans Mono", "Liberation Mono", "DejaVu Sans Mono", monospace;
  --line: #d1d9e0;
  --faint: #f6f8fa;
  --quiet: #59636e;
  --link: #0550ae;
  print-color-adjust: exact;
}

html { font: 10.5pt/1.5 var(--text); color: #1f2328; background: #fff; }
body { margin: 0; overflow-wrap: break-word; hyphens: manual; orphans: 3; widows: 3; }
body > :first-child { margin-block-start: 0; }
body > :last-child { margin-block-end: 0; }

/* text */
h1, h2, h3, h4, h5, h6 { margin: 1.6em 0 0.6em; line-height: 1.25; font-weight: 650; break-after: avoid; break-inside: avoid; text-wrap: balance; }
h1 { font-size: 2em; margin-block-start: 1.2em; padding-block-end: 0.25em; border-block-end: 1.5pt solid currentColor; }
h2 { font-size: 1.45em; padding-block-end: 0.2em; border-block-end: 0.75pt solid var(--line); }
h3 { font-size: 1.2em; }
h4 { font-size: 1em; }
h5, h6 { font-size: 0.92em; color: var(--quiet); }
:is(h1, h2, h3, h4, h5, h6) + * { break-before: avoid; }
:is(h1, h2, h3, h4, h5, h6) + :is(h1, h2, h3, h4, h5, h6) { margin-block-start: 0.8em; }

p, ul, ol, dl, table, pre, blockquote, details, .markdown-alert { margin: 0 0 0.9em; }
p { text-wrap: pretty; }
a { color: var(--link); text-decoration: underline 0.5pt; text-underline-offset: 0.15em; overflow-wrap: anywhere; }
hr { height: 0; margin: 1.8em 0; border: 0; border-block-start: 0.75pt solid var(--line); }
img, svg, video { max-width: 100%; max-height: 90vh; object-fit: contain; break-inside: avoid; vertical-align: middle; }
sub, sup { font-size: 0.75em; line-height: 0; }
mark { background: #fff3b8; color: inherit; }
kbd { padding: 0.1em 0.4em; font: 0.85em var(--code); border: 0.75pt solid var(--line); border-radius: 3pt; }
blockquote { padding-inline-start: 1em; border-inline-start: 2.5pt solid var(--line); color: var(--quiet); }
blockquote > :last-child, .markdown-alert > :last-child, li > :last-child, td > :last-child { margin-block-end: 0; }

/* lists */
ul, ol { padding-inline-start: 1.8em; }
li { margin-block: 0.2em; }
li > :is(ul, ol) { margin-block: 0.2em; }
li > p { margin-block: 0.5em; }
.task-list-item { list-style: none; }
.task-list-item input {
  appearance: none; box-sizing: border-box; width: 0.95em; height: 0.95em; margin: 0 0.55em 0 -1.5em; vertical-align: -0.1em;
  border: 0.9pt solid var(--quiet); border-radius: 2pt; background: #fff;
}
[dir="rtl"] .task-list-item input { margin: 0 -1.5em 0 0.55em; }
.task-list-item input:checked {
  border-color: #1a7f37;
  background: #1a7f37 url('data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="none" stroke="white" stroke-width="2.4" d="M3 8.5l3.4 3.4L13 4.6"/></svg>') center / 90% no-repeat;
}

/* code */
code, pre, samp { font-family: var(--code); font-size: 0.86em; font-variant-ligatures: none; tab-size: 4; }
:not(pre) > code { padding: 0.12em 0.35em; border-radius: 3pt; background: #eff1f3; overflow-wrap: anywhere; box-decoration-break: clone; }
pre { padding: 0.8em 1em; border: 0.75pt solid var(--line); border-radius: 4pt; background: var(--faint); line-height: 1.45; white-space: pre-wrap; overflow-wrap: anywhere; box-decoration-break: clone; orphans: 4; widows: 4; }
pre:is(.short, :has(> .short)) { break-inside: avoid; }
pre code { font-size: inherit; }
.hljs-comment, .hljs-quote, .hljs-meta { color: #59636e; }
.hljs-keyword, .hljs-doctag, .hljs-template-tag, .hljs-type, .hljs-variable.language_ { color: #b3202c; }
.hljs-title, .hljs-title.function_, .hljs-section { color: #6639ba; }
.hljs-attr, .hljs-attribute, .hljs-literal, .hljs-number, .hljs-operator, .hljs-variable, .hljs-selector-attr, .hljs-selector-class, .hljs-selector-id, .hljs-property { color: #0550ae; }
.hljs-string, .hljs-regexp, .hljs-char.escape_, .hljs-link { color: #0a3069; }
.hljs-built_in, .hljs-symbol, .hljs-bullet, .hljs-template-variable { color: #8a4600; }
.hljs-name, .hljs-selector-tag, .hljs-selector-pseudo { color: #116329; }
.hljs-addition { color: #116329; background: #dafbe1; }
.hljs-deletion { color: #82071e; background: #ffebe9; }
.hljs-addition, .hljs-deletion { display: inline-block; width: 100%; }
.hljs-emphasis { font-style: italic; }
.hljs-strong, .hljs-section { font-weight: 600; }

/* tables */
table { border-collapse: collapse; max-width: 100%; font-size: 0.92em; line-height: 1.4; font-variant-numeric: tabular-nums; }
thead { display: table-header-group; break-inside: avoid; }
tr { break-inside: avoid; }
th, td { padding: 0.4em 0.7em; border: 0.75pt solid var(--line); vertical-align: top; text-align: start; overflow-wrap: break-word; }
.long, .tight :is(th, td) { overflow-wrap: anywhere; }
.roomy :is(th, td):not(.prose) { white-space: nowrap; }
:is(.wide, .tight) { font-size: 0.75em; }
:is(.wide, .tight) :is(th, td) { min-width: 2em; padding: 0.35em 0.45em; }
@media (width < 150mm) {
  table :is(th, td):is(th, td) { overflow-wrap: anywhere; white-space: normal; }
}
th { background: var(--faint); font-weight: 600; vertical-align: bottom; border-block-end: 1.25pt solid #818b98; }
tbody tr:nth-child(even) { background: #fafbfc; }

/* alerts */
.markdown-alert { --accent: #0969da; padding: 0.6em 1em; border-inline-start: 3pt solid var(--accent); background: color-mix(in srgb, var(--accent) 5%, white); box-decoration-break: clone; }
.markdown-alert-title { margin-block-end: 0.25em; font-weight: 650; color: var(--accent); break-after: avoid; }
.markdown-alert-tip { --accent: #1a7f37; }
.markdown-alert-important { --accent: #8250df; }
.markdown-alert-warning { --accent: #9a6700; }
.markdown-alert-caution { --accent: #cf222e; }

/* math */
.katex-display { margin: 0.9em 0; break-inside: avoid; }
.math-source { color: #cf222e; }

/* footnotes */
.footnotes { margin-block-start: 2.5em; padding-block-start: 0.8em; border-block-start: 0.75pt solid var(--line); font-size: 0.88em; }
.footnotes li { break-inside: avoid; }
.footnote-ref a, .footnote-backref { text-decoration: none; }
.footnote-ref a { padding-inline: 0.1em; }
`.trim();
