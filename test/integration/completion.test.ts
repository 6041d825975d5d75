import { describe, expect, it } from 'vitest';
import { commandWords } from '../../src/cli/completion/command-words.ts';
import { createProgram } from '../../src/cli/run-command.ts';
import { COMPLETED, wordsAfterTabs } from '../support/completion.ts';
import { typed } from '../support/typed.ts';

describe('pdfprompt completion', () => {
  it('completes commands, flags, values and files in bash', async () => {
    const words = await wordsAfterTabs('bash', 'bash --norc --noprofile -i', 'bind "set bell-style none"');
    expect(words).toEqual(COMPLETED.map(([, expected]) => expected));
  });

  it.each(['bash', 'zsh', 'fish'])('knows every command and every flag in %s', async (shell) => {
    const { stdout, stderr, code } = await typed(['completion', shell]);
    expect([code, stderr]).toEqual([0, '']);
    const all = commandWords(createProgram());
    expect(all.length).toBeGreaterThan(20);
    for (const { commands, flags } of all) {
      const flag = (name: string) => (shell === 'fish' && name.startsWith('--') ? `-l ${name.slice(2)}` : name);
      const names = flags.flatMap((each) => each.names.filter((name) => name.startsWith('--')).map(flag));
      for (const name of [...commands.map((each) => each.name), ...names]) expect(stdout).toContain(name);
    }
  });

  it.each([[[]], [['tcsh']], [['bash', 'zsh']]])('refuses %j with what is allowed', async (shells) => {
    const { code, stdout, stderr } = await typed(['completion', ...shells]);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/missing required argument 'shell'|Allowed choices are bash, zsh, fish|too many arguments/);
  });
});
