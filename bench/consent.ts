/** Waiting calls: the time until they wake, and their cost while they sleep. */
import type { Benchmark } from "./benchmark.js"
import { ask, message, program } from "./child.js"
import { atMost, rounded } from "./report.js"
import { mostInOneSecond, type Quantiles } from "./statistics.js"

interface Woken {
  readonly oneByOne: Quantiles
  readonly atOnce: Quantiles
  readonly overHttp: Quantiles
  readonly official: Quantiles
}

const millis = (value: number) => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`

const wakingTitles: Readonly<Record<keyof Woken, string>> = {
  oneByOne: "in memory, one by one",
  atOnce: "in memory, 1,000 at once",
  overHttp: "over HTTP, one by one",
  official: "official withAccessToken"
}

export const waking: Benchmark = {
  name: "waking",
  group: "consent",
  title: "from a completed consent to the token",
  measures:
    "The time from the completion of a consent to the token of the call that waits for it. 1,000 calls wait in memory, " +
    "and their consents are completed one by one, or all at once. 500 calls wait over HTTP, in the process that completes " +
    "their consents. The reference is `withAccessToken` of the official package, which polls every 5 seconds: 40 calls, whose " +
    "consents are completed at even times within these 5 seconds.",
  run: async () => {
    const woken = await message<Woken>(program("./waking.js"))
    const rows = ([
      ["oneByOne", woken.oneByOne],
      ["overHttp", woken.overHttp],
      ["atOnce", woken.atOnce],
      ["official", woken.official]
    ] as const).map(([name, times]) => ({ title: wakingTitles[name], times }))
    return {
      goals: [
        atMost("consent to token in memory, p99", woken.oneByOne.p99, 50, "ms"),
        atMost("consent to token over HTTP, p99", woken.overHttp.p99, 50, "ms")
      ],
      figures: { millis: woken },
      tables: [{
        title: "From a completed consent to the token",
        head: ["calls", "median", "p99", "longest"],
        rows: rows.map(({ times, title }) => [title, millis(times.p50), millis(times.p99), millis(times.max)])
      }],
      plots: [{
        kind: "bars" as const,
        name: "consent-to-token",
        title: "Median time from a completed consent to the token, and up to p99",
        unit: "ms",
        bars: rows.map(({ times, title }) => ({
          name: title,
          value: times.p50,
          spread: [times.p50, times.p99] as const
        }))
      }]
    }
  }
}

interface Slept {
  readonly from: number
  readonly to: number
  readonly waiters: number
  readonly secondsToStart: number
  readonly secondsOfClient: number
  readonly heapKBPerWaiter: number
  readonly socketsMost: number
  readonly millisToInterrupt: number
}

const count = 10_000

/** Polls per second of one service; see `TokenPoller.PollBudget`. */
const pollBudget = 100

export const waiters: Benchmark = {
  name: "waiters",
  group: "consent",
  title: `${count.toLocaleString("en")} waiting calls`,
  measures:
    `${count.toLocaleString("en")} calls of the live layer wait for consent, each of another user, with the local ` +
    "server in another process. The memory is the heap of the process that waits, for each call after the first 2,000. Polls " +
    "are counted when they arrive at the server, for ten seconds. The reference for the start is the time of the same first requests " +
    "by the client of the AWS SDK, of which 2,000 are measured.",
  run: async () => {
    const server = program("./sessions.js", String(count))
    const { port, tokens } = await message<{ readonly port: number; readonly tokens: ReadonlyArray<string> }>(server)
    const child = program("./waiters.js", String(port))
    const slept = message<Slept>(child)
    child.send(tokens)
    const { from, heapKBPerWaiter, millisToInterrupt, secondsOfClient, secondsToStart, socketsMost, to, waiters } =
      await slept
    const { arrivals: all } = await ask<{ readonly arrivals: ReadonlyArray<number> }>(server, "arrivals")
    const arrivals = all.filter((time) => time >= from && time < to)
    server.disconnect()
    const busiest = mostInOneSecond(arrivals)
    const figures = {
      waiters,
      secondsToStart: rounded(secondsToStart),
      secondsOfClient: rounded(secondsOfClient),
      heapKBPerWaiter: rounded(heapKBPerWaiter),
      pollsPerSecond: rounded(arrivals.length / ((to - from) / 1000)),
      pollsInAnyOneSecond: busiest,
      socketsMost,
      millisToInterrupt: rounded(millisToInterrupt)
    }
    return {
      goals: [
        atMost("heap of one waiting call", heapKBPerWaiter, 12, "KB"),
        atMost("polls in the busiest second", busiest, pollBudget, ""),
        atMost(`seconds to start ${count.toLocaleString("en")} waits`, secondsToStart, 5, "s")
      ],
      figures,
      tables: [{
        title: `${count.toLocaleString("en")} waiting calls`,
        head: ["figure", "value"],
        rows: [
          ["requests of the client of the AWS SDK alone", `${secondsOfClient.toFixed(1)} s`],
          ["time to start them", `${secondsToStart.toFixed(1)} s`],
          ["heap of one", `${heapKBPerWaiter.toFixed(2)} KB`],
          ["polls per second", figures.pollsPerSecond.toFixed(1)],
          ["polls in the busiest second", String(busiest)],
          ["most open sockets", String(socketsMost)],
          ["time to interrupt them", `${(millisToInterrupt / 1000).toFixed(2)} s`]
        ]
      }],
      plots: [],
      profile: {
        title: `Time to start ${count.toLocaleString("en")} waiting calls`,
        head: ["part", "time", "share"],
        rows: [
          ["requests of the client of the AWS SDK, and the server", secondsOfClient],
          ["spans, sessions, fibers and timers of this library", secondsToStart - secondsOfClient]
        ].map(([part, time]) => [
          String(part),
          `${Number(time).toFixed(1)} s`,
          `${(Number(time) / secondsToStart * 100).toFixed(0)} %`
        ])
      }
    }
  }
}
