import { html } from 'hono/html';
import type { ConsoleSession } from '../../accounts/console-sessions.ts';
import type { Pause } from '../../jobs/pauses.ts';
import { type Html, instant, tableHead } from './figures.ts';

/** Whose jobs a pause holds up, for people. */
function pausedName({ target, email }: Pick<Pause, 'target' | 'email'>): string {
  if (target === 'all') return 'everybody';
  return email ?? target.replace(/^tier:/, 'the tier ');
}

/** On top of a page: what is paused, and why; nothing if nothing is. */
export function pausesNotice(pauses: readonly Pause[]): Html {
  if (pauses.length === 0) return html``;
  const [first] = pauses;
  const names = pauses.slice(0, 3).map(pausedName).join(', ');
  const more = pauses.length > 3 ? ` and ${pauses.length - 3} more` : '';
  return html`<p class="message message-refused" id="pauses">
    <b>Paused</b>: jobs of ${names}${more} are not begun${pauses.length === 1 && `: ${first?.reason}`}.
    <a id="pauses-link" href="/console/actions#paused">Pauses</a>
  </p>`;
}

/** All pauses, with a button that ends each, and a form for another one. */
export function pausesSection(session: ConsoleSession, pauses: readonly Pause[], tiers: readonly string[]): Html {
  const resume = (target: string, name: string) =>
    html`<form class="actions" action="/console/pauses/end" method="post">
      <input type="hidden" name="target" value="${target}" />
      <button type="submit" aria-label="Resume ${name}">Resume</button>
    </form>`;
  const row = (pause: Pause) =>
    html`<tr>
      <th scope="row" class="value">${pausedName(pause)}</th>
      <td class="value">${pause.reason}</td>
      <td class="medium">${instant(pause.pausedAt)}</td>
      ${session.may.operate && html`<td>${resume(pause.target, pausedName(pause))}</td>`}
    </tr>`;
  const resumeColumn = session.may.operate ? [[html`<span class="hidden">Resume</span>`, ''] as [Html, string]] : [];
  const table = html`<table aria-labelledby="paused">
    ${tableHead('Whose jobs', 'Why', ['Since', 'medium'], ...resumeColumn)}
    <tbody>
      ${pauses.map(row)}
    </tbody>
  </table>`;
  return html`<section aria-labelledby="paused">
    <h2 id="paused">Pauses</h2>
    ${pauses.length > 0 ? table : html`<p class="empty">Nothing is paused.</p>`}
    ${session.may.operate && pauseForm(tiers)}
  </section>`;
}

function pauseForm(tiers: readonly string[]): Html {
  return html`<form class="fields" action="/console/pauses" method="post">
    <p>
      <label for="pause-whose">Pause the jobs of</label>
      <select id="pause-whose" name="whose">
        <option value="user">one user</option>
        ${tiers.map((name) => html`<option value="tier:${name}">the tier ${name}</option>`)}
        <option value="all">everybody</option>
      </select>
    </p>
    <p>
      <label for="pause-user">Which user</label>
      <input id="pause-user" name="user" placeholder="email or id" autocomplete="off" maxlength="320" />
    </p>
    <p>
      <label for="pause-reason">Why</label>
      <input id="pause-reason" name="reason" required maxlength="500" autocomplete="off" />
    </p>
    <button class="danger" type="submit">Pause</button>
    <p class="hint">Jobs that run go on, and new ones are accepted. When the pause ends, all have their old places.</p>
  </form>`;
}
