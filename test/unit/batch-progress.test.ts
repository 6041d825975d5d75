import { describe, expect, it } from 'vitest';
import { BatchProgress } from '../../src/cli/batch-progress.ts';
import { StatusLine } from '../../src/cli/status-line.ts';

const batch = (total: number, { completed = 0, failed = 0, status = 'processing' as const } = {}) => ({
  status,
  items: { total, completed, failed, cancelled: 0, skipped: 0, open: total - completed - failed },
});

function after(...counts: { completed?: number; failed?: number }[]): BatchProgress {
  const progress = new BatchProgress();
  for (const [second, each] of counts.entries()) progress.update(batch(10_000, each), second * 1_000);
  return progress;
}

describe('the progress of a batch', () => {
  it('has a bar, what is done and what failed, the rate, and the time that is left', () => {
    const progress = after({ completed: 4_900 }, { completed: 4_998, failed: 2 });
    expect(progress.text(80)).toBe('█████████████████░░░░░░░░░░░░░░░░░  5,000/10,000 · 2 failed · 100/s · 50 s left');
    expect(progress.text(80).length).toBeLessThan(80);
    expect(progress.text()).toBe('5,000/10,000 · 2 failed · 100/s · 50 s left');
  });

  it('fits into every terminal', () => {
    const progress = after({ completed: 0 }, { completed: 2, failed: 2 });
    progress.fetched = 1_234;
    for (let width = 1; width < 200; width++) expect(progress.text(width).length).toBeLessThan(Math.max(width, 2));
    expect(progress.text(120)).toMatch(/^░{40} {2}4\/10,000 · 2 failed · 4\.0\/s · 41 min 39 s left · 1,234 fetched$/);
  });

  it('knows no rate before something has ended, and none of items that had ended before', () => {
    expect(after({ completed: 9_000 }).text()).toBe('9,000/10,000');
    expect(after({ completed: 9_000 }, { completed: 9_000 }).text()).toBe('9,000/10,000');
    expect(after({ completed: 9_000 }, { completed: 9_010 }).text()).toMatch(/ 10\/s · 1 min 39 s left/);
  });

  it('has the rate of the last seconds, not of the whole', () => {
    const counts = Array.from({ length: 60 }, (_, second) => ({
      completed: second < 30 ? second * 100 : 3_000 + second,
    }));
    expect(after(...counts).rate).toBeCloseTo(1);
  });

  it('starts again when what failed is printed again', () => {
    expect(after({ completed: 9_000, failed: 1_000 }, { completed: 9_000 }, { completed: 9_050 }).rate).toBe(50);
  });

  it('says that items are merged, and what is waited for', () => {
    const progress = new BatchProgress();
    progress.update({ ...batch(2, { completed: 2 }), status: 'closing' }, 0);
    expect(progress.text()).toBe('2/2 · merging');
    progress.waiting = 'no answer (ECONNREFUSED)';
    expect(progress.text()).toBe('2/2 · waiting: no answer (ECONNREFUSED)');
  });
});

it('before a batch is accepted there is only what is waited for', () => {
  const progress = new BatchProgress();
  progress.waiting = 'no answer';
  expect([progress.text(), progress.text(80)]).toEqual(['waiting: no answer', 'waiting: no answer']);
  progress.waiting = undefined;
  expect([progress.text(), progress.text(80)]).toEqual(['', '']);
});

describe('a status line', () => {
  const screen = (isTTY: boolean) => {
    const texts: string[] = [];
    return { isTTY, columns: 40, texts, write: (text: string) => texts.push(text) };
  };

  it('is drawn over itself on a terminal, as wide as that is, and other lines go above it', () => {
    const terminal = screen(true);
    const line = new StatusLine(terminal, 'xterm');
    line.say('first');
    line.show((width) => `one ${width}`);
    line.say('above');
    line.show(() => 'two');
    line.end();
    line.end();
    const clear = '\r\u001b[K';
    expect(terminal.texts).toEqual([
      `${clear}first\n`,
      `${clear}one 40`,
      `${clear}above\n`,
      `${clear}one 40`,
      `${clear}two`,
      '\n',
    ]);
  });

  it.each([
    [false, 'xterm'],
    [true, 'dumb'],
  ])('is a line every few seconds elsewhere, and at once if that is urgent', (isTTY, terminal) => {
    const file = screen(isTTY);
    const line = new StatusLine(file, terminal);
    for (let at = 0; at < 100; at++) line.show(() => `at ${at}`);
    line.show(() => 'waiting', true);
    line.show(() => 'waiting', true);
    line.show(() => '', true);
    line.end();
    expect(file.texts).toEqual(['at 0\n', 'waiting\n']);
  });
});
