import type { ContentPlace } from './content-place.ts';
import type { Findings } from './findings.ts';
import { componentsOf, type IccProfile, readIccProfile } from './icc-profile.ts';
import type { PdfFile } from './pdf-file.ts';
import { isDictionary, PdfDictionary, PdfName, PdfStream, type PdfValue } from './pdf-value.ts';
import { sameValue } from './same-value.ts';

const DEVICE = {
  DeviceGray: { rule: '6.2.4.3-4', ownSpace: 'DefaultGray', profile: undefined },
  DeviceRGB: { rule: '6.2.4.3-2', ownSpace: 'DefaultRGB', profile: 'RGB ' },
  DeviceCMYK: { rule: '6.2.4.3-3', ownSpace: 'DefaultCMYK', profile: 'CMYK' },
} as const;
/** Colour spaces in each other: Indexed of DeviceN of ICCBased. */
const MAX_DEPTH = 8;
const MAX_COMPONENTS = 32;
/** Of DeviceN in PDF 1.4. */
const OLD_COMPONENTS = 8;
/** Profiles of later versions are not for PDF 1.4. */
const OLD_VERSION = 2;
const PROCESS = new Set(['Cyan', 'Magenta', 'Yellow', 'Black', 'None']);

interface Spot {
  alternate: PdfValue;
  transform: PdfValue;
}

/** The rules about colour spaces that content uses. */
export class ColourRules {
  readonly #file: PdfFile;
  readonly #findings: Findings;
  readonly #seen = new Set<string>();
  readonly #checked = new Map<PdfValue, number | undefined>();
  readonly #spots = new Map<string, Spot>();
  /** `RGB `, `CMYK`, `GRAY`; undefined: there is no output intent */
  readonly outputSpace: string | undefined;

  constructor(file: PdfFile, findings: Findings) {
    this.#file = file;
    this.#findings = findings;
    this.outputSpace = this.#checkOutputIntents();
  }

  use(space: PdfValue, place: Pick<ContentPlace, 'page' | 'resources'>, depth = 0): void {
    if (depth > MAX_DEPTH) return;
    if (space instanceof PdfName) {
      this.#useName(space.text, place, depth);
      return;
    }
    if (!Array.isArray(space)) return;
    if (this.#checked.has(space) && this.#checked.get(space) === place.page) return;
    this.#checked.set(space, place.page);
    const values = space.map((value) => this.#file.resolve(value));
    const [kind, second, third, fourth] = values;
    const name = kind instanceof PdfName ? kind.text : '';
    if (name === 'ICCBased' && second instanceof PdfStream) this.#checkProfile(second, place.page);
    else if (name === 'Indexed' || name === 'I' || name === 'Pattern') this.use(second ?? null, place, depth + 1);
    else if (name === 'Separation') {
      if (second instanceof PdfName) this.#checkSpot(second.text, { alternate: third ?? null, transform: fourth ?? null }, place.page); // prettier-ignore
      this.use(third ?? null, place, depth + 1);
    } else if (name === 'DeviceN') {
      this.#checkDeviceN(values, place, depth);
      this.use(third ?? null, place, depth + 1);
    } else if (values.length === 1) this.#useName(name, place, depth);
  }

  #useName(name: string, place: Pick<ContentPlace, 'page' | 'resources'>, depth: number): void {
    if (!(name in DEVICE)) return;
    const { rule, ownSpace, profile } = DEVICE[name as keyof typeof DEVICE];
    const own = place.resources?.dictionary('ColorSpace')?.get(ownSpace) ?? null;
    if (own !== null) {
      const isDevice = own instanceof PdfName && own.text in DEVICE;
      if (!isDevice) {
        this.use(own, place, depth + 1);
        return;
      }
    }
    if (profile === undefined ? this.outputSpace !== undefined : this.outputSpace === profile) return;
    const key = `${name} ${place.page}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const why = this.outputSpace === undefined ? 'but has no output intent' : `but its output intent is of ${this.outputSpace.trim()}`; // prettier-ignore
    this.#findings.report(rule, `the document uses ${name}, ${why}`, place.page);
  }

  #checkProfile(stream: PdfStream, page: number | undefined): void {
    const profile = readIccProfile(this.#file.content(stream));
    const components = stream.number('N');
    const kinds = ['prtr', 'mntr', 'scnr', 'spac'];
    const isRight =
      profile && profile.version < 5 && kinds.includes(profile.kind) && componentsOf(profile) === components;
    if (!isRight) this.#findings.report('6.2.4.2-1', `an ICC profile of ${components} components is not valid`, page);
    else if (profile.version > OLD_VERSION)
      this.#findings.report('A1 6.2.3.2-1', `an ICC profile is of version ${profile.version}; allowed: ${OLD_VERSION}`, page); // prettier-ignore
  }

  #checkSpot(name: string, spot: Spot, page: number | undefined): void {
    if (name === 'All' || name === 'None') return;
    const other = this.#spots.get(name);
    if (!other) this.#spots.set(name, spot);
    else if (!sameValue(other.alternate, spot.alternate) || !sameValue(other.transform, spot.transform))
      this.#findings.report('6.2.4.4-2', `the spot colour ${name} is defined differently in another place`, page);
  }

  #checkDeviceN(values: readonly PdfValue[], place: Pick<ContentPlace, 'page' | 'resources'>, depth: number): void {
    const names = (Array.isArray(values[1]) ? values[1] : []).map((name) => this.#file.resolve(name));
    if (names.length > MAX_COMPONENTS)
      this.#findings.report('6.1.13-9', `a DeviceN colour has ${names.length} components; allowed: ${MAX_COMPONENTS}`, place.page); // prettier-ignore
    if (names.length > OLD_COMPONENTS)
      this.#findings.report('A1 6.1.12-9', `a DeviceN colour has ${names.length} components; allowed: ${OLD_COMPONENTS}`, place.page); // prettier-ignore
    const attributes = values[4] instanceof PdfDictionary ? values[4] : undefined;
    const colorants = attributes?.dictionary('Colorants');
    const ofProcess = new Set((attributes?.dictionary('Process')?.list('Components') ?? []).map((name) => (name instanceof PdfName ? name.text : ''))); // prettier-ignore
    for (const name of names)
      if (name instanceof PdfName && !PROCESS.has(name.text) && !ofProcess.has(name.text) && !colorants?.has(name.text))
        // prettier-ignore
        this.#findings.report('6.2.4.4-1', `the spot colour ${name.text} of DeviceN is not in Colorants`, place.page);
    for (const key of colorants?.entries.keys() ?? []) this.use(colorants?.get(key) ?? null, place, depth + 1);
    const processSpace = attributes?.dictionary('Process')?.get('ColorSpace');
    if (processSpace) this.use(processSpace, place, depth + 1);
  }

  #checkOutputIntents(): string | undefined {
    const findings = this.#findings;
    const intents = this.#file.catalog.all('OutputIntents').filter(isDictionary);
    let archive: IccProfile | undefined;
    const profiles = new Set<PdfStream>();
    for (const intent of intents) {
      if (intent.has('DestOutputProfileRef')) findings.report('6.2.3-3', 'an output intent has DestOutputProfileRef');
      const stream = intent.stream('DestOutputProfile');
      if (!stream) continue;
      profiles.add(stream);
      const profile = readIccProfile(this.#file.content(stream));
      const isRight =
        profile &&
        profile.version < 5 &&
        ['prtr', 'mntr'].includes(profile.kind) &&
        ['RGB ', 'CMYK', 'GRAY'].includes(profile.space) &&
        componentsOf(profile) === (stream.number('N') ?? componentsOf(profile));
      if (!isRight) findings.report('6.2.3-1', 'the profile of an output intent is not a valid ICC profile of a printer or monitor'); // prettier-ignore
      else if (profile.version > OLD_VERSION)
        findings.report('A1 6.2.2-1', `the profile of an output intent is of version ${profile.version}; allowed: ${OLD_VERSION}`); // prettier-ignore
      if (intent.name('S') === 'GTS_PDFA1') archive ??= profile;
    }
    if (profiles.size > 1) findings.report('6.2.3-2', 'output intents have different profiles');
    return archive?.space;
  }
}
