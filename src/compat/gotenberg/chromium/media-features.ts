import type { Fields } from '../fields.ts';
import { isText, objectOf } from '../engines/json-object.ts';
import { textEntries } from '../json-shapes.ts';

interface MediaFeature {
  name: string;
  value: string;
}

/** Gotenberg takes an object by names; its clients send a list, too. @returns undefined if absent or refused */
export function readMediaFeatures(fields: Fields): MediaFeature[] | undefined {
  const allowed = 'a JSON object such as {"prefers-color-scheme": "dark"}, or a list of {name, value}';
  const features = fields.json('emulatedMediaFeatures', featuresOf, allowed);
  return features && features.length > 0 ? features : undefined;
}

function featuresOf(json: unknown): MediaFeature[] | undefined {
  if (!Array.isArray(json)) return textEntries(json)?.map(([name, value]) => ({ name, value }));
  const features = json.map((item) => {
    const { name, value } = objectOf(item) ?? {};
    return isText(name) && isText(value) ? { name, value } : undefined;
  });
  return features.every((feature) => feature !== undefined) ? features : undefined;
}
