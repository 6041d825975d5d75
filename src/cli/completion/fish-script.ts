import type { CommandWords, FlagWords } from './command-words.ts';

/** For fish: `pdfprompt completion fish | source`. */
export function fishScript(commands: readonly CommandWords[]): string {
  const valued = new Set(
    commands.flatMap(({ flags }) => flags.filter(({ takes }) => takes).flatMap(({ names }) => names)),
  );
  const known = commands.filter(({ path }) => path.length > 0).map(({ path }) => quoted(path.join(' ')));
  return `# Completion of pdfprompt for fish: pdfprompt completion fish | source
function __pdfprompt_at --description 'Whether these are the commands that the line begins with'
  set -l at
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1
      set skip 0
    else if contains -- $word ${[...valued].join(' ')}
      set skip 1
    else if contains -- (string join ' ' $at $word) ${known.join(' ')}
      set -a at $word
    end
  end
  test (string join ' ' $at) = "$argv"
end
complete -c pdfprompt -f
${commands.flatMap(linesOf).join('\n')}
`;
}

function linesOf({ path, commands, flags, argument }: CommandWords): string[] {
  const start = `complete -c pdfprompt -n ${quoted(`__pdfprompt_at ${path.join(' ')}`.trim())}`;
  return [
    ...commands.map(({ name, description }) => `${start} -a ${name} -d ${quoted(description)}`),
    ...flags.map((flag) => `${start} ${flagLine(flag)}`),
    ...(argument?.values ?? []).map((value) => `${start} -a ${value}`),
    ...(argument?.isFile ? [`${start} -F`] : []),
  ];
}

function flagLine({ names, description, takes }: FlagWords): string {
  const named = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  const values = takes?.values.join(' ') ?? '';
  // A list is completed as a whole word: fish itself goes on after a comma.
  const valued = !takes ? [] : takes.isFile ? ['-r -F'] : values === '' ? ['-x'] : [`-x -a ${quoted(values)}`];
  return [...named, ...valued, `-d ${quoted(description)}`].join(' ');
}

const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
