import { html } from 'hono/html';
import type { AppContext } from '../route.ts';
import type { Html } from './figures.ts';
import { layout } from './layout.ts';
import type { Place } from './session.ts';

/** @param from the page to open afterwards @param refusal why the key was refused */
export function signInPage(place: Place, { from, refusal }: { from: string; refusal?: string | undefined }): Html {
  const { path, label, hint, command, takesLinks } = place;
  return layout({
    title: 'Sign in',
    place,
    session: undefined,
    main: html`<div class="sign-in">
      <h1>Sign in</h1>
      ${refusal !== undefined && html`<p class="message message-refused" role="alert" id="refusal">${refusal}</p>`}
      <form action="${path}/sign-in" method="post">
        <input type="hidden" name="from" value="${from}" />
        <p>
          <label for="key">${label}</label>
          <input
            id="key"
            name="key"
            type="password"
            required
            autofocus
            autocomplete="current-password"
            spellcheck="false"
            maxlength="200"
            ${refusal !== undefined && html` aria-invalid="true" aria-describedby="refusal"`}
          />
        </p>
        <p><button type="submit">Sign in</button></p>
      </form>
      <p class="hint">${hint} <code>${command}</code></p>
      ${takesLinks && html`<p class="hint">Or type there <code>npx pdfprompt console</code>, which prints a link that signs in once.</p>`}
    </div>`,
  });
}

/** One button, so that nobody signs in by opening the address alone. */
export function linkPage(place: Place, { from, link }: { from: string; link: string }): Html {
  return layout({
    title: 'Sign in',
    place,
    session: undefined,
    main: html`<div class="sign-in">
      <h1>Sign in</h1>
      <form action="${place.path}/sign-in" method="post">
        <input type="hidden" name="from" value="${from}" />
        <input type="hidden" name="link" value="${link}" />
        <p><button type="submit" autofocus>Sign in with this link</button></p>
      </form>
      <p class="hint">It works once, in this browser. <a href="${place.path}/sign-in">Sign in with a key</a></p>
    </div>`,
  });
}

export function errorPage(c: AppContext, place: Place, title: string, text: string): Html {
  const { requestId, session } = c.var;
  return layout({
    title,
    place,
    session,
    main: html`<h1>${title}</h1>
      <p>${text}</p>
      <p class="hint">Request <code>${requestId}</code>. <a href="${place.path}">Back to the ${place.name}</a></p>`,
  });
}
