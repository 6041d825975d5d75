import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Files of the packages with fonts that the tests have. */
export const FONT_FILES = {
  carlito: packaged('carlito/400Regular/Carlito_400Regular.ttf'),
  japanese: packaged('sawarabi-gothic/400Regular/SawarabiGothic_400Regular.ttf'),
  emoji: packaged('noto-color-emoji/400Regular/NotoColorEmoji_400Regular.ttf'),
};

function packaged(path: string): string {
  return fileURLToPath(new URL(`../../node_modules/@expo-google-fonts/${path}`, import.meta.url));
}

/** A font that no machine has. @param name of seven letters, as long as the one that it replaces */
export function fontNamed(name: string): Buffer {
  const text = readFileSync(FONT_FILES.carlito).toString('latin1');
  const wide = (letters: string) => letters.replaceAll(/./g, '\0$&');
  return Buffer.from(text.replaceAll('Carlito', name).replaceAll(wide('Carlito'), wide(name)), 'latin1');
}
