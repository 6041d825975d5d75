import { isJsonObject, type JsonObject, type Refuse, setMembers } from './json-object.ts';

/** Options of Puppeteer that change how a picture is taken, and not what it shows. */
const WITHOUT_EFFECT = ['captureBeyondViewport', 'fromSurface', 'optimizeForSpeed'];

/**
 * Puppeteer's options of a picture as `output` of a request.
 * @param at where the caller has them, such as `screenshotOptions`
 * @param selector what the picture shows, beside them
 */
export function translatePictureOptions(
  given: unknown,
  selector: unknown,
  at: string,
  refuse: Refuse,
): { output: JsonObject; isBase64: boolean } {
  if (given !== undefined && !isJsonObject(given)) refuse(at, 'allowed: an object');
  const { path, encoding, clip, ...output } = setMembers(isJsonObject(given) ? given : {});
  if (path !== undefined) refuse(`${at}.path`, 'nothing is saved here; allowed: nothing, the answer is the picture');
  if (encoding !== undefined && encoding !== 'binary' && encoding !== 'base64')
    refuse(`${at}.encoding`, 'allowed: binary, base64');
  for (const name of WITHOUT_EFFECT) delete output[name];
  if (output.type === 'jpeg') delete output.omitBackground; // as Puppeteer does: a JPEG has no transparency
  return {
    output: {
      type: 'png',
      ...output,
      ...(clip !== undefined && { clip: translateClip(clip, at, refuse) }),
      ...(selector !== undefined && { selector }),
    },
    isBase64: encoding === 'base64',
  };
}

function translateClip(clip: unknown, at: string, refuse: Refuse): unknown {
  if (!isJsonObject(clip)) return clip;
  const { scale, ...area } = setMembers(clip);
  if (scale !== undefined && scale !== 1)
    refuse(`${at}.clip.scale`, 'allowed: 1; viewport.deviceScaleFactor makes all of a picture larger');
  return area;
}
