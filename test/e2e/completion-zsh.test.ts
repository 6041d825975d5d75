/** @module-tag long */

import { expect, it } from 'vitest';
import { COMPLETED, wordsAfterTabs } from '../support/completion.ts';

it('pdfprompt completion completes commands, flags, values and files in zsh', async () => {
  const words = await wordsAfterTabs('zsh', 'zsh -f -i', 'autoload -Uz compinit; compinit -u -D; unsetopt beep zle_bracketed_paste; PS1=; PS2='); // prettier-ignore
  expect(words).toEqual(COMPLETED.map(([, expected]) => expected));
});
