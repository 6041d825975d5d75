import { html } from 'hono/html';
import type { AppContext } from '../route.ts';
import type { Html } from './figures.ts';
import { layout } from './layout.ts';

/** @param from the page to open afterwards @param refusal why the key was refused */
export function signInPage({ from, refusal }: { from: string; refusal?: string | undefined }): Html {
  return layout({
    title: 'Sign in',
    session: undefined,
    main: html`<div class="sign-in">
      <h1>Sign in</h1>
      ${refusal !== undefined && html`<p class="message message-refused" role="alert" id="refusal">${refusal}</p>`}
      <form action="/console/sign-in" method="post">
        <input type="hidden" name="from" value="${from}" />
        <p>
          <label for="key">API key with the scope <code>admin</code></label>
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
      <p class="hint">
        To create a key, type on the server: <code>pdfprompt keys create --user you@example.com --scopes admin</code>
      </p>
    </div>`,
  });
}

export function errorPage(c: AppContext, title: string, text: string): Html {
  const { requestId, session } = c.var;
  return layout({
    title,
    session,
    main: html`<h1>${title}</h1>
      <p>${text}</p>
      <p class="hint">Request <code>${requestId}</code>. <a href="/console">Back to the overview</a></p>`,
  });
}
