/** All benchmarks, in the order in which they run. */
import type { Benchmark } from "./benchmark.js"
import { bytes } from "./bytes.js"
import { coldStart } from "./coldStart.js"
import { waiters, waking } from "./consent.js"
import { flight } from "./flight.js"
import { grants } from "./grants.js"
import { growth } from "./growth.js"
import { overhead } from "./overhead.js"
import { scale } from "./scale.js"
import { throughput } from "./throughput.js"

export const benchmarks: ReadonlyArray<Benchmark> = [
  overhead,
  coldStart,
  flight,
  waking,
  waiters,
  throughput,
  scale,
  growth,
  grants,
  bytes
]
