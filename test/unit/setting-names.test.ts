import { type Command, CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/run-command.ts';
import { loadConfig } from '../../src/config/load.ts';
import { SETTING_LIST } from '../../src/config/settings.ts';
import { messageOf } from '../../src/kernel/errors.ts';

/** What somebody may write instead: a letter too few, twice, or two letters swapped. */
function misspellings(name: string): string[] {
  const at = Math.floor(name.length / 2);
  const [before, after] = [name.slice(0, at), name.slice(at + 1)];
  const swapped = name.slice(0, at - 1) + name.charAt(at) + name.charAt(at - 1) + after;
  return [before + after, before + name.charAt(at) + name.slice(at), swapped].filter((text) => text !== name);
}

/** Shorter names are near to variables of other programs. */
const LONG = 7;

describe('a misspelt setting', () => {
  const names = SETTING_LIST.map(({ env }) => env);

  it.each(names.filter((name) => name.length >= LONG))('%s is named', (name) => {
    const joined = name.replaceAll('_', '');
    for (const given of [...misspellings(name), ...(joined === name ? [] : [joined])]) {
      if (names.includes(given)) continue;
      let said = '';
      try {
        loadConfig({ env: { [given]: 'x' }, isRoot: false });
      } catch (error) {
        said = messageOf(error);
      }
      expect(said).toContain(`${given}: there is no such setting; did you mean ${name}?`);
    }
  });
});

interface Flag {
  path: string[];
  flag: string;
  flags: string[];
  /** flags that the command does not go without, with values */
  required: string[];
}

const requiredOf = ({ options }: Command, but: string) =>
  options.flatMap(({ long, mandatory }) => (mandatory && typeof long === 'string' && long !== but ? [long, '1'] : []));

/** Every flag of every command. */
function flagsOf(command: Command, path: string[] = []): Flag[] {
  const flags = command.options.flatMap(({ long }) => (typeof long === 'string' ? [long] : []));
  const own =
    command.commands.length === 0
      ? flags.map((flag) => ({ path, flag, flags, required: requiredOf(command, flag) }))
      : [];
  return [...own, ...command.commands.flatMap((child) => flagsOf(child, [...path, child.name()]))];
}

function silence(command: Command, keep: (text: string) => void): void {
  command.exitOverride().configureOutput({ writeErr: keep, writeOut: keep, outputError: keep });
  for (const child of command.commands) silence(child, keep);
}

describe('a misspelt flag', () => {
  it('is named, whatever the command', async () => {
    const all = flagsOf(createProgram());
    expect(all.length).toBeGreaterThan(100);
    const wrong: string[] = [];
    const seen = new Set<string>();
    for (const { path, flag, flags, required } of all) {
      const kind = `${path[0]} ${flag}`; // commands with subcommands share most
      if (flag.length < LONG || seen.has(kind)) continue;
      seen.add(kind);
      const given = `--${misspellings(flag.slice(2))[0]}`;
      if (flags.includes(given)) continue;
      const said: string[] = [];
      const program = createProgram();
      silence(program, (text) => said.push(text));
      const error: unknown = await program
        .parseAsync(['node', 'pdfprompt', ...path, ...required, given])
        .catch((thrown: unknown) => thrown);
      const text = said.join('');
      if (!(error instanceof CommanderError) || !text.includes(flag)) wrong.push(`${path.join(' ')} ${given}: ${text.slice(0, 100)}`); // prettier-ignore
    }
    expect(wrong).toEqual([]);
  });
});
