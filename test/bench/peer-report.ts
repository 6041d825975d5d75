import { shortDuration } from '../../src/charts/duration.ts';
import { table } from '../../src/cli/output.ts';
import { type Comparison, type Curve, type Figures, LOADS } from './peer-comparison.ts';

interface Table {
  title: string;
  rows: string[][];
}

const percent = (load: number) => `${Math.round(load * 100)} %`;
const failuresOf = ({ failures, firstFailure = '' }: Figures) => (failures > 0 ? `${failures}: ${firstFailure}` : '0');

function tablesOf({ documents, clients }: Comparison): Table[] {
  return documents.flatMap(({ name, curves }) => [
    {
      title: `${name}, ${clients} clients`,
      rows: [['', 'documents/s', 'ratio', 'p50', 'p95', 'failures'], ...curves.map(closedRow)],
    },
    {
      title: `${name}, at a share of that: documents/s, p50 / p95`,
      rows: [['', ...LOADS.map(percent), 'failures'], ...curves.map(openRow)],
    },
  ]);
}

function closedRow({ name, closed, ratio }: Curve): string[] {
  const times = [closed.p50, closed.p95].map(shortDuration);
  return [name, closed.rate.toFixed(1), ratio?.toFixed(2) ?? '–', ...times, failuresOf(closed)];
}

function openRow({ name, open }: Curve): string[] {
  const cells = LOADS.map((load) => {
    const point = open.find((each) => each.load === load);
    return point ? `${point.rate.toFixed(1)}, ${shortDuration(point.p50)} / ${shortDuration(point.p95)}` : '–';
  });
  const failures = open.reduce((sum, point) => sum + point.failures, 0);
  const firstFailure = open.find((point) => point.firstFailure !== undefined)?.firstFailure;
  return [name, ...cells, failuresOf({ failures, firstFailure } as Figures)];
}

export function comparisonText(comparison: Comparison): string {
  return tablesOf(comparison)
    .map(({ title, rows }) => `\n${title}\n${table(rows)}\n`)
    .join('');
}

/** @param plot the file of the plot, beside this one */
export function comparisonMarkdown(comparison: Comparison, plot: string): string {
  const cell = (text: string) => text.replaceAll(/[|\\`<>*_[\]]/g, (sign) => `\\${sign}`);
  const line = (cells: string[]) => `| ${cells.map(cell).join(' | ')} |\n`;
  const tables = tablesOf(comparison).map(({ title, rows: [head = [], ...rows] }) => {
    const rule = `| --- |${' ---: |'.repeat(head.length - 1)}\n`;
    return `## ${cell(title)}\n\n${line(head)}${rule}${rows.map(line).join('')}\n`;
  });
  return [
    '# PDFs: throughput and latency\n\n',
    `Measured in turns with the same documents, on one machine, ${comparison.seconds} s each. `,
    'Documents/s: with so many clients, each with one document under way. ',
    `Ratio: of the first row. Then documents arrive at random moments, at ${LOADS.map(percent).join(', ')} of that rate, `,
    'and each time counts from the moment at which the document was due.\n\n',
    `![p95 by throughput](${plot})\n\n`,
    ...tables,
  ].join('');
}
