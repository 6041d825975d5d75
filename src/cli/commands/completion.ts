import { Argument, Command } from 'commander';
import { print } from '../output.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function completionCommand(): Command {
  return new Command('completion')
    .description('A script that completes commands, flags and values in your shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText(
      'after',
      `
For the shell that runs, or in its start-up file:
  source <(pdfprompt completion bash)      ~/.bashrc
  source <(pdfprompt completion zsh)       ~/.zshrc, after compinit
  pdfprompt completion fish | source       ~/.config/fish/config.fish`,
    )
    .action(async (shell: (typeof SHELLS)[number], _: object, command: Command) => {
      const { commandWords } = await import('../completion/command-words.ts');
      const program = command.parent;
      const words = program ? commandWords(program) : [];
      print((await scriptOf(shell))(words).trimEnd());
    });
}

async function scriptOf(shell: (typeof SHELLS)[number]) {
  if (shell === 'bash') return (await import('../completion/bash-script.ts')).bashScript;
  if (shell === 'zsh') return (await import('../completion/zsh-script.ts')).zshScript;
  return (await import('../completion/fish-script.ts')).fishScript;
}
