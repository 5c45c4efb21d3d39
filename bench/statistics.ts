const quantile = (sorted: Float64Array, q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN

export interface Quantiles {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export const quantiles = (times: Iterable<number>): Quantiles => {
  const sorted = Float64Array.from(times)
  sorted.sort()
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99), max: quantile(sorted, 1) }
}

/** The median, and the range of the middle four fifths. */
export const spread = (times: Iterable<number>) => {
  const sorted = Float64Array.from(times)
  sorted.sort()
  return { p10: quantile(sorted, 0.1), p50: quantile(sorted, 0.5), p90: quantile(sorted, 0.9) }
}

/** The most times that lie in any one second, wherever that second begins. */
export const mostInOneSecond = (times: ReadonlyArray<number>) => {
  let most = 0
  let first = 0
  times.forEach((time, last) => {
    while (time - (times[first] ?? time) >= 1000) first++
    most = Math.max(most, last - first + 1)
  })
  return most
}

/** The middle value, or NaN if there is none. */
export const median = (values: Iterable<number>): number => {
  const sorted = Float64Array.from(values)
  sorted.sort()
  return sorted[sorted.length >> 1] ?? NaN
}
