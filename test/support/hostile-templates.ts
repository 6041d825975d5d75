/** A template that must fail by its name, and harm nobody. */
export interface HostileTemplate {
  what: string;
  texts: Record<string, string>;
  data?: object;
  locale?: string;
  code?: 'data_invalid';
}

const MANY = 100_000;
const deep = (open: string, middle: string, close: string, times = MANY) =>
  open.repeat(times) + middle + close.repeat(times);
const page = (text: string, more: Record<string, string> = {}) => ({ 'index.html': text, ...more });

/** Loops that would take years, and ways to write them. */
const LOOPS = [
  '{% for a in (1..1000000000) %}x{% endfor %}',
  '{% for a in (1..99999999999999999999) %}x{% endfor %}',
  '{% for a in (-9007199254740991..9007199254740991) %}{% endfor %}',
  '{% for a in (1..9999) %}{% for b in (1..9999) %}{% for c in (1..9999) %}{% endfor %}{% endfor %}{% endfor %}',
  '{% for a in (1..9999) %}{% for b in (1..9999) %}{% if a == b %}x{% endif %}{% endfor %}{% endfor %}',
  '{% for a in (1..9999) %}{% for b in (1..9999) %}{% assign c = a | plus: b %}{% endfor %}{% endfor %}',
  '{% for a in (1..9999) %}{% for b in (1..9999) %}{% capture c %}{{ a }}{% endcapture %}{% endfor %}{% endfor %}',
  '{% for a in (1..9999) %}{% for b in (1..9999) %}{% cycle 1, 2, 3 %}{% endfor %}{% endfor %}',
  '{% for a in (1..9999) %}{% for b in (1..9999) %}{% increment c %}{% endfor %}{% endfor %}',
  '{% for a in (1..9999) %}{% for b in (1..9999) %}{% case a %}{% when b %}{% endcase %}{% endfor %}{% endfor %}',
  '{% for a in (1..9999) %}{% for b in (1..9999) %}{% unless a %}{% endunless %}{% endfor %}{% endfor %}',
  '{% tablerow a in (1..9999) %}{% tablerow b in (1..9999) %}{% endtablerow %}{% endtablerow %}',
  '{% for a in (1..9999) %}{% tablerow b in (1..9999) cols: 2 %}x{% endtablerow %}{% endfor %}',
  "{% for a in (1..9999) %}{% for b in (1..9999) %}{% render 'p' %}{% endfor %}{% endfor %}",
  "{% for a in (1..9999) %}{% render 'p' for data as x %}{% render 'loop' %}{% endfor %}",
  '{% for a in (1..9999) %}{% for b in (1..9999) %}{{ "2026-01-01" | date: "%A %B" }}{% endfor %}{% endfor %}',
  '{% for a in (1..9999) %}{% for b in (1..9999) %}{{ b | money: "EUR", digits: 3 }}{% endfor %}{% endfor %}',
  '{% for a in (1..9999) %}{% for b in (1..9999) %}{{ b | barcode }}{% endfor %}{% endfor %}',
  '{% for a in (1..9999) %}{{ text | qr: level: "L" }}{% endfor %}',
  '{% for a in (1..9999) %}{{ text | slice: 0, 1800 | barcode: "pdf417" }}{% endfor %}',
  '{% for a in (1..9999) %}{% for b in (1..9999) %}{{ b | number: unit: "kilogram" }}{{ a | day: year: "numeric" }}{% endfor %}{% endfor %}',
  '{% liquid\nfor a in (1..9999)\nfor b in (1..9999)\nassign c = a\nendfor\nendfor %}',
];

/** Texts that double, and lists that grow. */
const GROWTH = [
  "{% assign s = 'x' %}{% for i in (1..64) %}{% assign s = s | append: s %}{% endfor %}",
  "{% assign s = 'x' %}{% for i in (1..64) %}{% assign s = s | prepend: s %}{% endfor %}{{ s }}",
  "{% assign s = 'x' %}{% for i in (1..64) %}{% capture s %}{{ s }}{{ s }}{% endcapture %}{% endfor %}",
  "{% assign s = 'x' %}{% for i in (1..64) %}{% capture s %}{{ s | raw }}{{ s | raw }}{% endcapture %}{% endfor %}",
  "{% assign s = 'xxxx' %}{% for i in (1..64) %}{% assign s = s | replace: 'x', 'xx' %}{% endfor %}",
  "{% assign s = 'xxxx' %}{% for i in (1..64) %}{% assign s = s | replace: '', s %}{% endfor %}",
  "{% assign s = '<<<<' %}{% for i in (1..64) %}{% assign s = s | escape %}{% endfor %}{% assign s = s | append: s %}{% for i in (1..64) %}{% assign s = s | append: s %}{% endfor %}",
  "{% assign s = '%%%%' %}{% for i in (1..64) %}{% assign s = s | url_encode | append: s %}{% endfor %}",
  "{% assign s = 'x' %}{% for i in (1..64) %}{% assign s = s | base64_encode | append: s %}{% endfor %}",
  "{% assign s = 'x' %}{% for i in (1..64) %}{% assign s = s | json | append: s %}{% endfor %}",
  "{% assign s = 'x\n' %}{% for i in (1..64) %}{% assign s = s | newline_to_br | append: s %}{% endfor %}",
  "{% assign s = 'x,' %}{% for i in (1..64) %}{% assign s = s | split: ',' | join: ',,' | append: s %}{% endfor %}",
  "{% assign l = 'a,b' | split: ',' %}{% for i in (1..64) %}{% assign l = l | concat: l %}{% endfor %}",
  "{% assign l = 'a,b' | split: ',' %}{% for i in (1..64) %}{% assign l = l | concat: l | reverse | sort | uniq | concat: l | concat: l %}{% endfor %}",
  "{% assign l = 'a,b' | split: ',' %}{% for i in (1..9999) %}{% for j in (1..9999) %}{% assign l = l | push: l %}{% endfor %}{% endfor %}",
  "{% assign l = 'a,b' | split: ',' %}{% for i in (1..64) %}{% assign l = l | concat: l %}{% assign s = l | join: 'xxxxxxxxxxxxxxxxxxxxxxxx' %}{% endfor %}",
  '{% assign s = text %}{% for i in (1..9999) %}{% assign s = s | append: text %}{% assign l = s | split: "" %}{% endfor %}',
  '{% for i in (1..9999) %}{% assign l = text | split: "" | sort | reverse | uniq | join: "," %}{% for j in (1..99) %}{% assign s = l | append: s | append: l %}{% endfor %}{% endfor %}'.replace(
    '{% for',
    "{% assign s = '' %}{% for",
  ),
  '{% for i in (1..9999) %}{% for j in (1..9999) %}{{ text }}{% endfor %}{% endfor %}',
  '{% for i in (1..9999) %}{% for j in (1..9999) %}{{ text | raw }}{% endfor %}{% endfor %}',
  `{% for i in (1..9999) %}{% for j in (1..9999) %}${'x'.repeat(10_000)}{% endfor %}{% endfor %}`,
  `{% for i in (1..9999) %}{% for j in (1..9999) %}{% raw %}${'{{'.repeat(5_000)}{% endraw %}{% endfor %}{% endfor %}`,
  "{% assign f = '%9999999d' %}{% for i in (1..9999) %}{{ 'now' | date: f }}{% endfor %}",
  "{{ 'now' | date: '%999999999999d' }}",
  "{{ 'now' | date: '%99999999d%99999999d%99999999d%99999999d%99999999d%99999999d%99999999d%99999999d' }}",
  '{% assign l = (1..9999999) %}{% assign m = (1..9999999) %}{% assign n = (1..9999999) %}{% assign o = (1..9999999) %}',
  '{% assign l = (1..9000000) | join: "xxxxxxxxxxxxxxxxxxxxxxxxxx" %}{{ l | size }}',
  '{% for i in (1..99) %}{% assign l = (1..200000) | sort | reverse | uniq | map: "x" | compact %}{% endfor %}',
  '{% assign l = (1..2000000) %}{% for i in (1..99) %}{% assign m = l | where_exp: "x", "x > 1" | group_by_exp: "x", "x" %}{% endfor %}',
  '{% assign l = (1..3000) %}{% for i in (1..3000) %}{% assign m = l | where_exp: "x", "x contains 1" %}{% endfor %}',
  '{% assign l = rows %}{% for i in (1..9999) %}{% assign m = l | sort: "name" | where: "name", "b" %}{% assign n = l | group_by: "name" | map: "items" %}{% endfor %}',
  '{% for i in (1..9999) %}{{ rows | json }}{% endfor %}',
  '{% for i in (1..9999) %}{% assign s = rows | json %}{% assign l = l | default: rows | push: s %}{% endfor %}'.replace(
    '{% for',
    '{% assign l = rows %}{% for',
  ),
  '{% for i in (1..9999) %}{% assign s = text | strip_html | squish | slugify | upcase | capitalize | number_of_words %}{% endfor %}',
  '{% for i in (1..9999) %}{% assign s = text | truncatewords: 100000 | normalize_whitespace | strip: "x" %}{% endfor %}',
  '{% for i in (1..9999) %}{% for j in (1..9999) %}{% assign s = text | sha256 | hmac_sha256: text %}{% endfor %}{% endfor %}',
  '{% for i in (1..9999) %}{{ text | split: "" | list }}{% endfor %}',
];

/** Templates that contain themselves. */
const RECURSION: Record<string, string>[] = [
  page("{% render 'index' %}"),
  page("{% include 'index' %}"),
  page("{% layout 'index' %}"),
  page("{% render './index.html' %}"),
  page("{% assign n = 'index' %}{% include n %}"),
  page("{% assign n = 'p' %}{% render n, n: n %}", { 'p.html': '{% render n, n: n %}' }),
  page("{% render 'a' %}", {
    'a.html': "{% render 'b' %}",
    'b.html': "{% render 'c' %}",
    'c.html': "{% render 'a' %}",
  }),
  page("{% include 'a' %}", {
    'a.html': "{% include 'b' %}{% include 'b' %}",
    'b.html': "{% include 'a' %}{% include 'a' %}",
  }),
  page("{% layout 'a' %}", { 'a.html': "{% layout 'b' %}", 'b.html': "{% layout 'a' %}" }),
  page("{% layout 'a' %}{% block x %}{{ block.super }}{% endblock %}", { 'a.html': "{% layout 'a' %}{% block x %}{{ block.super }}{% endblock %}" }), // prettier-ignore
  page("{% block x %}{% block x %}{% block x %}{% include 'index' %}{% endblock %}{% endblock %}{% endblock %}"),
  page("{% for i in (1..9) %}{% render 'p' %}{% endfor %}", {
    'p.html': "{% for i in (1..9) %}{% render 'p' %}{% endfor %}",
  }),
  page("{% capture s %}{% include 'index' %}{% endcapture %}"),
  page("{% if true %}{% render 'p' for rows as row %}{% endif %}", { 'p.html': "{% render 'p', row: row %}" }),
  page("{% tablerow i in rows %}{% include 'index' %}{% endtablerow %}"),
  page("{% case 1 %}{% when 1 %}{% include 'index' %}{% endcase %}"),
  page("{% render 'x/../index' %}"),
  page(
    "{% render 'p0' %}",
    Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`p${n}.html`, `{% render 'p${n + 1}' %}`])),
  ),
  page("{% include 'p0' %}", Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`p${n}.html`, `{% include 'p${(n * 7 + 1) % 10_000}' %}`]))), // prettier-ignore
];

/** Too deep for a parser, or for what it makes. */
const DEPTH: Record<string, string>[] = [
  page(deep('{% if true %}', 'x', '{% endif %}')),
  page(deep('{% if true %}', 'x', '{% endif %}', 1_000)),
  page(deep('{% for a in rows %}', 'x', '{% endfor %}')),
  page(deep('{% unless false %}', 'x', '{% endunless %}')),
  page(deep('{% capture a %}', 'x', '{% endcapture %}')),
  page(deep('{% case 1 %}{% when 1 %}', 'x', '{% endcase %}')),
  page(deep('{% block a %}', 'x', '{% endblock %}')),
  page(deep('{% tablerow a in rows %}', 'x', '{% endtablerow %}')),
  page('{% if true %}'.repeat(MANY)),
  page('{% comment %}'.repeat(MANY)),
  page('{% raw %}'.repeat(MANY)),
  page('{% liquid '.repeat(MANY)),
  page(`{{ ${'a['.repeat(MANY)}1${']'.repeat(MANY)} }}`),
  page(`{{ ${'('.repeat(MANY)}1${')'.repeat(MANY)} }}`),
  page(`{{ a${'.a'.repeat(MANY)} }}`),
  page(`{{ 'a' ${'| upcase '.repeat(MANY)}| nothing }}`),
  page(`{% if ${'true and '.repeat(MANY)}x.y | z %}{% endif %}`),
  page(`{% if ${'not '.repeat(MANY)}x %}`),
  page(`{% cycle ${'"a", '.repeat(MANY)} %}`.replace('%}', '| %}{% nothing %}')),
  page(`{% render 'p', ${'a: 1, '.repeat(MANY)} %}`),
  page(`{{ ${'"a" "b" '.repeat(MANY)} | nothing: ${'1,'.repeat(MANY)} }}`),
];

/** What is not Liquid, or nearly. */
const SYNTAX = [
  '{{', '{%', '{{ }', '{% }', '{% if', '{% endif %}', '{% else %}', '{% for %}', '{% for x %}', '{% for x in %}', '{% for x y z %}',
  '{% assign %}', '{% assign x %}', '{% assign = 1 %}', '{% capture %}', '{% render %}', "{% render '' %}", '{% render nothing %}',
  '{% layout %}', '{% case %}', '{% when 1 %}', '{% raw %}', '{% raw %}{% raw %}', '{% comment %}', '{% cycle %}',
  '{% tablerow %}', '{% \0 %}', '{{ \0 | \0 }}', '{{ "\uD800" | nothing }}', '{{ x\uDFFF }}', '{{ \u202E }}', '{{ __proto__ }}',
  '{{ constructor.constructor }}', '{{ "x".constructor }}', '{{ rows.constructor.prototype }}', '{{ rows | map: "__proto__" | map: "x" | nothing }}',
  '{{ this }}', '{{ globalThis }}', '{{ process.env }}', '{{ require }}', '{{ x | constructor }}', '{{ x | __proto__: 1 }}',
  '{% __proto__ %}', '{% constructor %}', '{{ rows | where_exp: "x", "constructor" }}', '{{ rows | where_exp: "x", "}}" }}',
  '{{ rows | sort: "x" | first | money: "EUR" }}',
]; // prettier-ignore

/** Names of files that are not the template's. */
const PATHS = [
  '../x', '../../etc/passwd', '/etc/passwd', 'file:///etc/passwd', 'x/../../y', './../x', '..\\x', 'C:\\x', '\0', 'index.html\0', 'a/\0/b',
  'http://example.com/x', '__proto__', 'constructor', 'locales/en.json', 'schema.json', 'style.css', '~/x', '%2e%2e/x', '.', '..', '/', '//x',
  'x'.repeat(MANY), '../'.repeat(1_000) + 'etc/passwd', './'.repeat(MANY) + 'x', 'a/../'.repeat(MANY) + 'x', '\uD800', 'ｉndex',
]; // prettier-ignore

/** Values that filters cannot use. */
const VALUES = [
  'money: "EUR", digits: 99999999999', 'money: "EUR", digits: -1', 'money: "EUR", digits: 1.5', 'money: "\0"', 'money: text', 'money: rows',
  'number: 1e99', 'number: unit: text', 'percent: "x"', 'day', 'day: text', 'datetime: timezone: "../../etc/localtime"', 'datetime: timezone: text',
  'time', 'date', 'duration', 'plural', 't', 't: count: "x"', 'list', 'qr: level: "Z"', 'qr: size: text', 'barcode: text', 'barcode: "ean13"',
  'barcode: "code128", scale: 999999999', 'barcode: "code128", margin: 999999999', 'barcode: "code128", height: "99999999mm"', 'json: 999999999',
]; // prettier-ignore

/** Schemas that are none, that never end, or that the data does not fit. */
const SCHEMAS: [string, 'data_invalid' | undefined][] = [
  ['{"properties":{"slow":{"pattern":"^(a+)+$"}}}', undefined],
  ['{"properties":{"slow":{"pattern":"^(a|a)*$"}}}', undefined],
  ['{"properties":{"slow":{"pattern":"("}}}', undefined],
  ['{"$ref":"#"}', undefined],
  ['{"$ref":"https://example.com/schema.json"}', undefined],
  ['{"$ref":"file:///etc/passwd"}', undefined],
  ['{"allOf":[{"$ref":"#"},{"$ref":"#"}]}', undefined],
  ['{"properties":{"slow":{"pattern":"((((((((((a{9}){9}){9}){9}){9}){9}){9}){9}){9}){9})$"}}}', 'data_invalid'],
  ['[', undefined],
  ['null', undefined],
  [`${'{"not":'.repeat(10_000)}true${'}'.repeat(10_000)}`, undefined],
  ['false', 'data_invalid'],
  ['{"required":["__proto__"]}', 'data_invalid'],
  ['{"required":["toString"]}', 'data_invalid'],
  ['{"maxProperties":0}', 'data_invalid'],
  ['{"properties":{"rows":{"items":{"type":"string"}}}}', 'data_invalid'],
  ['{"properties":{"text":{"maxLength":1,"format":"email"}}}', 'data_invalid'],
  ['{"additionalProperties":false}', 'data_invalid'],
];

/** Data of every hostile template. */
const DATA = {
  text: 'ab <c> ,'.repeat(200),
  rows: Array.from({ length: 5_000 }, (_, n) => ({ name: `b${n % 7}`, n })),
  slow: `${'a'.repeat(60)}!`,
  x: { y: null },
};

/** More than two hundred of them. */
export function hostileTemplates(): HostileTemplate[] {
  const parts = {
    'p.html': '{{ 1 | plus: 1 }}',
    'loop.html': '{% for a in (1..9999) %}{% for b in (1..99) %}{% endfor %}{% endfor %}',
  };
  const plain = (kind: string, texts: string[]) =>
    texts.map((text) => ({ what: `${kind}: ${text.slice(0, 150)}`, texts: page(text, parts), data: DATA }));
  const folders = (kind: string, list: Record<string, string>[]) =>
    list.map((texts) => ({
      what: `${kind}: ${(texts['index.html'] ?? '').slice(0, 80)}`,
      texts,
      data: { ...DATA, rows: [1, 2] },
    }));
  return [
    ...plain('a loop', LOOPS),
    ...plain('growth', GROWTH),
    ...folders('recursion', RECURSION),
    ...folders('depth', DEPTH),
    ...plain('syntax', SYNTAX),
    ...plain('a path', PATHS.map((path) => `{% render ${JSON.stringify(path)} %}`)),
    ...PATHS.slice(0, 8).map((path) => ({ what: `a path in the data: ${path}`, texts: page('{% include path %}{% layout path %}'), data: { path } })),
    ...plain('a value', VALUES.map((filter) => `{{ text | ${filter} }}`)),
    ...SCHEMAS.map(([schema, code]) => ({ what: `a schema: ${schema.slice(0, 80)}`, texts: { ...page(''), 'schema.json': schema }, data: DATA, ...(code && { code }) })),
    ...['{', '[]', '{"a":1}', '{"a":{"b":[]}}', deep('{"a":', '"x"', '}')].map((json) => ({ what: `strings: ${json.slice(0, 20)}`, texts: page('{{ "a.b" | t }}', { 'locales/en.json': json }) })),
    { what: 'no entry', texts: { 'a.html': 'x' } },
    { what: 'nothing', texts: {} },
    { what: 'a text of 30 million characters', texts: page('x'.repeat(30_000_000)) },
    { what: 'a million tags', texts: page('{% assign a = 1 %}'.repeat(1_000_000)) },
    { what: 'deep data', texts: page('{{ d | json }}'), data: { d: JSON.parse(deep('[', '', ']', 4_000)) as object, deeper: nested(MANY) }, code: 'data_invalid' },
    { what: 'a list of lists', texts: page('{{ d }}{{ nothing }}'), data: { d: JSON.parse(deep('[', '', ']', 2_000)) as object } },
  ]; // prettier-ignore
}

function nested(times: number): object {
  let data: object = {};
  for (let time = 0; time < times; time++) data = { data };
  return data;
}
