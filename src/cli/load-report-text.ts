import type { LoadReport } from '../planning/load-report.ts';
import { reportSummary, reportTables, shown, verdictLines } from '../planning/load-report-tables.ts';
import { table } from './output.ts';

export function loadReportText(report: LoadReport): string {
  const { counts, pdfsPerHour, verdict } = report;
  const ended = {
    completed: counts.completed,
    'over a limit': counts.limitsHit,
    failed: counts.failed,
    errors: counts.errors,
    'under way at the end': counts.unfinished,
  };
  const texts = Object.entries(ended).map(([name, count]) => `${shown(count)} ${name}`);
  return [
    `${report.url}: ${reportSummary(report)}`,
    `${shown(counts.offered)} asked for: ${texts.join(', ')}; ${shown(pdfsPerHour)} PDFs an hour after the ramp`,
    ...reportTables(report).map(
      ({ title, head, rows }) => `\n${table([[title, ...head].map((cell) => cell.toUpperCase()), ...rows])}`,
    ),
    '',
    ...verdictLines(report).map(({ text }) => text),
    ...verdict.notes.map((note) => `! ${note}`),
    '',
    verdict.met ? 'The targets are met.' : 'The targets are not met.',
  ].join('\n');
}
