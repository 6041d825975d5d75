/** A picture of so many bytes for each pixel. */
export interface Raster {
  width: number;
  height: number;
  channels: number;
  data: Uint8Array;
}

/** Made smaller: each pixel is the average of those that it covers, in part where it covers a part. */
export function averaged({ width, height, channels, data }: Raster, to: { width: number; height: number }): Raster {
  const across = spansOf(width, to.width);
  const down = spansOf(height, to.height);
  const result = new Uint8Array(to.width * to.height * channels);
  const sums = new Float32Array(width * channels);
  const area = (width / to.width) * (height / to.height);
  for (let y = 0; y < to.height; y++) {
    sums.fill(0);
    eachPart(down, y, height, (row, share) => {
      const start = row * width * channels;
      for (let index = 0; index < sums.length; index++) sums[index] = (sums[index] as number) + share * (data[start + index] as number); // prettier-ignore
    });
    for (let x = 0; x < to.width; x++)
      for (let channel = 0; channel < channels; channel++) {
        let sum = 0;
        eachPart(across, x, width, (column, share) => {
          sum += share * (sums[column * channels + channel] as number);
        });
        result[(y * to.width + x) * channels + channel] = Math.min(255, Math.round(sum / area));
      }
  }
  return { ...to, channels, data: result };
}

/** Where each pixel begins among those before; the last entry is the end. */
const spansOf = (from: number, to: number): Float64Array =>
  Float64Array.from({ length: to + 1 }, (_, index) => (index * from) / to);

function eachPart(spans: Float64Array, index: number, most: number, part: (at: number, share: number) => void): void {
  const [start, end] = [spans[index] as number, spans[index + 1] as number];
  for (let at = Math.floor(start); at < end && at < most; at++) part(at, Math.min(end, at + 1) - Math.max(start, at));
}
