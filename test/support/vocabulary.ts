/** A word of the old, private vocabulary, and what to say instead. */
interface OldWord {
  old: RegExp;
  say: string;
  /** Where it stays: in files whose path matches, what matches `text`. */
  allowed?: { files: RegExp; text: RegExp; why: string }[];
}

/** Metric, table and column names are not matched: in `pdf_fenced_total` no word begins at `fenced`. */
export const OLD_WORDS: readonly OldWord[] = [
  { old: /\bbells?\b|[a-z]Bell\b|\bbell[A-Z]\w*/i, say: 'notifier, notification' },
  { old: /\brings?\b|\brang\b|\bringing\b/i, say: 'notify, notification' },
  { old: /\bmend(?:s|ed|ing)?\b/i, say: 'patch (of the driver), fix' },
  {
    old: /\blanes?\b|\blane[A-Z]\w*|[a-z]Lanes?\b/,
    say: 'fair-share state, fairShare; slot, worker (of a loop)',
    allowed: [
      {
        files: /^docs\/database\.md$/,
        text: /(?:insert|read|update|delete) lane\b/,
        why: 'the table pdfprompt_lane, as the list of queries shortens it',
      },
    ],
  },
  { old: /\bfenced\b|FencedOff/i, say: 'stale claim, StaleClaim' },
  { old: /\bloseJobsOf\b/, say: 'requeueLostJobs' },
  { old: /\bbur(?:y|ies|ied|ying)\b/i, say: 'mark lost, markLost' },
  { old: /\btend(?:s|ed|ing)?\b/i, say: 'reconcile' },
  { old: /\bhurr(?:y|ies|ied|ying)\b/i, say: 'force-stop, forceStop' },
  { old: /\bmustMove\b/, say: 'liveness check' },
  { old: /\bstillMs\b/, say: 'stalledForMs' },
  { old: /\bCALM_MS\b/, say: 'STARTUP_GRACE_MS' },
  { old: /\bcoalesced\b/i, say: 'single flight, SingleFlight' },
  { old: /\bwalls?\b(?! (?:time|clock)|-(?:time|clock))/i, say: 'tenant isolation, row-level security' },
  { old: /\bsigns? of life\b/i, say: 'heartbeat' },
  { old: /\bpulses?\b|[a-z]Pulse\b|\bpulse[A-Z]\w*/i, say: 'heartbeat' },
  {
    old: /\b(?:a|one|two|three|each|every|next|last|first) looks?\b(?! (?:at|for|like|up)\b)/i,
    say: 'sample, check',
  },
  { old: /\binert\b/i, say: 'static (of a document)' },
  { old: /\bsacrific\w*/i, say: 'evict, eviction' },
  { old: /\b(?:is|was|are|were|be|been|being) away\b/i, say: 'is unavailable' },
  { old: /\b(?:gives?|given|gave|giving) (?:\w+ )?back\b|\bgiveBack\b|\bgivenBack\b/i, say: 'requeue, return' },
  { old: /\bputs? (?:\w+ )?back\b|\bputting back\b|\bputBack\b/i, say: 'requeue' },
  { old: /\bjailed\b/i, say: 'isolated; running with reduced isolation' },
  { old: /\btold\b|\btells\b|\btelling\b|\btell of\b/i, say: 'reports, logs, says, is set to, callback' },
  { old: /\bguilty\b|\binnocent\b/i, say: 'offending, unaffected' },
  { old: /\b(?:of|in) the house\b|\bfloors\b|\b(?:top|one|same|ground) floor\b|\brooms\b/i, say: 'layers, folder' },
  { old: /\bdesks?\b|\berrands?\b|\bdrawers?\b|\bbystanders?\b|\bnewcomers?\b/i, say: 'the plain thing' },
  { old: /\bwhoever\b|\bwhosever\b|\blest\b|\bby and by\b/i, say: 'the one who, anyone who; so that … not; soon' },
];

/** Texts that keep the old words, and why. */
const EXEMPT: readonly [files: RegExp, why: string][] = [
  [/^sql\/00(?:0\d|1\d)_/, 'a released migration is never edited'],
  [/^CHANGELOG\.md$/, 'says what was, in the words of its time'],
  [/^test\//, 'only the program and its pages are checked; tests also plant what is wrong'],
];

/** Every old word in the texts, as `file:line: "word": say …`. Two words may stand on two lines of a comment. */
export function oldWordsIn(texts: Map<string, string>): string[] {
  return [...texts]
    .filter(([file]) => !EXEMPT.some(([files]) => files.test(file)))
    .flatMap(([file, text]) => oldWordsOf(file, text));
}

function oldWordsOf(file: string, text: string): string[] {
  const oneLine = blanked(text, /\n[ \t]*(?:\*|\/\/|#|--)?/g);
  const lineOf = (index: number) => text.slice(0, index).split('\n').length;
  return OLD_WORDS.flatMap(({ old, say, allowed = [] }) => {
    const rest = allowed
      .filter(({ files }) => files.test(file))
      .reduce((left, { text: kept }) => blanked(left, new RegExp(kept, 'g')), oneLine);
    return [...rest.matchAll(new RegExp(old.source.replaceAll(' ', ' +'), `${old.flags}g`))].map(
      ({ 0: word, index }) => `${file}:${lineOf(index)}: "${word.replaceAll(/ +/g, ' ')}": say ${say}`,
    );
  });
}

/** With spaces instead of what matches, so that every index stays as it is. */
function blanked(text: string, pattern: RegExp): string {
  return text.replaceAll(pattern, (match) => ' '.repeat(match.length));
}
