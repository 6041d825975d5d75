// What a new template begins with.

const page = `@page {
  size: A4;
  margin: 22mm 20mm;
  @bottom-right {
    content: counter(page) ' / ' counter(pages);
    font: 9pt system-ui, sans-serif;
    color: #777;
  }
}
body {
  font: 10.5pt/1.5 system-ui, sans-serif;
  color: #1d1c1a;
}
`;

const settings = { description: '', request: { options: { format: 'A4', preferCSSPageSize: true }, locale: 'en' } };
const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

export const STARTERS = {
  invoice: {
    'index.html': `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Invoice {{ number }}</title>
    <link rel="stylesheet" href="style.css">
  </head>
  <body>
    <header>
      <h1>Invoice {{ number }}</h1>
      <p>{{ customer.name }}<br>{{ customer.city }}</p>
    </header>
    <table>
      <thead>
        <tr><th>Item</th><th>Quantity</th><th>Price</th></tr>
      </thead>
      <tbody>
        {% for item in items %}
        <tr>
          <td>{{ item.name }}</td>
          <td>{{ item.quantity }}</td>
          <td>{{ item.price | money: currency }}</td>
        </tr>
        {% endfor %}
      </tbody>
      <tfoot>
        <tr><th>Total</th><td></td><th>{{ total | money: currency }}</th></tr>
      </tfoot>
    </table>
    <p class="note">Payable by {{ due | day: 'long' }}. {{ note }}</p>
  </body>
</html>
`,
    'style.css': `${page}header {
  display: flex;
  justify-content: space-between;
  align-items: end;
  border-bottom: 2px solid;
}
table {
  width: 100%;
  margin-top: 12mm;
  border-collapse: collapse;
}
th,
td {
  padding: 2mm 0;
  border-bottom: 1px solid #ddd;
  text-align: left;
}
:is(th, td):not(:first-child) {
  text-align: right;
}
tr {
  break-inside: avoid;
}
`,
    'data.json': json({
      number: '2026-0042',
      due: '2026-12-14',
      currency: 'EUR',
      customer: { name: 'Ada Lovelace', city: 'London' },
      items: [
        { name: 'Analysis', quantity: 3, price: 120 },
        { name: 'Engine, used', quantity: 1, price: 4500 },
      ],
      total: 4860,
      note: 'Thank you.',
    }),
    'schema.json': json({
      type: 'object',
      required: ['number', 'due', 'currency', 'customer', 'items', 'total'],
      properties: {
        number: { type: 'string' },
        due: { type: 'string' },
        currency: { type: 'string' },
        total: { type: 'number' },
        items: {
          type: 'array',
          items: {
            type: 'object',
            required: ['name', 'quantity', 'price'],
            properties: { name: { type: 'string' }, quantity: { type: 'number' }, price: { type: 'number' } },
          },
        },
      },
    }),
    'template.json': json({ ...settings, description: 'An invoice' }),
  },
  letter: {
    'index.md': `# {{ subject }}

Dear {{ name }},

this letter is written in **markdown**, with data in it.

{% for point in points %}
- {{ point }}
{% endfor %}

Kind regards
`,
    'data.json': json({ subject: 'Good news', name: 'Ada', points: ['No HTML', 'No CSS', 'A PDF all the same'] }),
    'template.json': json({ ...settings, description: 'A letter' }),
  },
  blank: {
    'index.html': `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>Document</title>
    <link rel="stylesheet" href="style.css">
  </head>
  <body>
    <h1>{{ title }}</h1>
  </body>
</html>
`,
    'style.css': page,
    'data.json': json({ title: 'Hello' }),
    'template.json': json(settings),
  },
};
