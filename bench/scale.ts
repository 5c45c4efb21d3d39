/** How the time of a call depends on the number of users, grants, sessions and providers, and how the heap depends on calls. */
import type { Benchmark } from "./benchmark.js"
import { measured } from "./child.js"
import { atMost } from "./report.js"
import { type BySize, callsOfMemory, childName, type Scale, sizes } from "./scaleChild.js"

const titles = {
  users: "a workload access token, by users",
  grants: "getToken of a user, by grants",
  sessions: "a poll of a pending session, by sessions",
  providers: "reading a credential provider, by providers"
}

const kinds = ["users", "grants", "sessions", "providers"] as const

const inWords = (value: number) => value.toLocaleString("en")

const medians = (bySize: BySize) => sizes.map((size) => bySize[size]?.p50 ?? NaN)

const ratio = (values: ReadonlyArray<number>) => Math.max(...values) / Math.min(...values)

const run = async () => {
  const { heapMiB, lookupMicros, micros } = await measured<Scale>(childName)
  const [fewest, , most] = sizes
  return {
    goals: [
      ...kinds.map((kind) =>
        atMost(
          `${titles[kind]}, slowest to fastest of ${inWords(fewest)} to ${inWords(most)}`,
          ratio(medians(micros[kind])),
          1.5,
          "×"
        )
      ),
      atMost(`growth of the heap in ${inWords(callsOfMemory)} cached machine tokens`, heapMiB.growth, 2, "MiB")
    ],
    figures: { micros, lookupMicros, heapMiB },
    tables: [{
      title: "Median time of one call in memory",
      head: ["call", ...sizes.map(inWords), "ratio"],
      rows: kinds.map((kind) => [
        titles[kind],
        ...medians(micros[kind]).map((value) => `${value.toFixed(1)} µs`),
        `${ratio(medians(micros[kind])).toFixed(2)} ×`
      ])
    }],
    plots: [{
      kind: "lines" as const,
      name: "scale",
      title: "Median time of one call in memory",
      xLabel: "users, grants, sessions or providers",
      unit: "µs",
      lines: kinds.map((kind) => ({
        name: kind,
        points: medians(micros[kind]).map((value, index) => [sizes[index] ?? NaN, value] as const)
      }))
    }],
    profile: {
      title: "Time of one lookup in a sorted tree, of which each call has one or more",
      head: ["part", ...sizes.map(inWords)],
      rows: [["lookup of a name", ...medians(lookupMicros).map((value) => `${value.toFixed(1)} µs`)]]
    }
  }
}

export const scale: Benchmark = {
  name: "scale",
  group: "growth",
  title: "the time of a call by the number of users, grants, sessions and providers",
  measures:
    "Calls of the emulator in memory, for another entry each time. Three emulators, with 10, 1,000 and 100,000 entries, " +
    "alternate in rounds. A ratio is the longest of the three medians relative to the shortest. 100,000 is the largest number of pending sessions that " +
    "the emulator keeps. The quota of 50 providers is raised for this.",
  run
}
