import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { Finding } from '../route.ts';
import { count, type Html, instant, pill, tableHead } from './figures.ts';
import { layout } from './layout.ts';

const MARKS = { ok: 'done', warn: 'p95', fail: 'failed' } as const;
const WORDS = { ok: 'ok', warn: 'warning', fail: 'failed' } as const;
const ORDER = ['fail', 'warn', 'ok'];

/** What is wrong first. */
export function doctorPage(
  session: ConsoleSession,
  { findings, at }: { findings: readonly Finding[]; at: Date },
): Html {
  const sorted = findings.toSorted((a, b) => ORDER.indexOf(a.status) - ORDER.indexOf(b.status));
  return layout({
    title: 'Doctor',
    session,
    at: 'doctor',
    main: html`<div class="head">
        <h1>Doctor</h1>
        <a class="button" href="/console/doctor">Check again</a>
      </div>
      ${summary(findings)}
      <table class="findings" aria-label="Findings">
        ${tableHead('What', 'Result', 'Finding')}
        <tbody>
          ${sorted.map(row)}
        </tbody>
      </table>
      <p class="hint">
        As the process that shows this page finds it, at ${instant(at)}. Chromium, its fonts and its jail may be on
        other machines: type <code>pdfprompt doctor</code> where a worker runs.
      </p>`,
  });
}

function summary(findings: readonly Finding[]): Html {
  const number = (status: Finding['status']) => findings.filter((each) => each.status === status).length;
  const [failed, warned] = [number('fail'), number('warn')];
  if (failed + warned === 0) return html`<p class="message">All ${count(findings.length)} checks are well.</p>`;
  const parts = [...(failed > 0 ? [`${failed} failed`] : []), ...(warned > 0 ? [`${warned} to know about`] : [])];
  return html`<p class="message message-refused">Of ${count(findings.length)} checks: ${parts.join(', ')}.</p>`;
}

function row({ name, status, message, fix }: Finding): Html {
  return html`<tr>
    <th scope="row">${name}</th>
    <td>${pill(WORDS[status], MARKS[status])}</td>
    <td class="reason">${message}${fix !== undefined && html`<span class="what fix">${fix}</span>`}</td>
  </tr>`;
}
