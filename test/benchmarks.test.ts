import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { merged, problems, type Report, type Result } from "../bench/benchmark.js"
import { parse, usage, UsageError } from "../bench/options.js"
import { generate } from "../bench/page.js"
import { type BarPlot, draw, type LinePlot } from "../bench/plot.js"
import { benchmarks } from "../bench/registry.js"
import { atLeast, atMost, goalTable, markdownTable, rule, shortfall, terminalTable } from "../bench/report.js"
import { interleaved, order } from "../bench/rounds.js"
import { median, mostInOneSecond, quantiles, spread } from "../bench/statistics.js"
import { assertEqual } from "./support/equality.js"

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), "utf8")

const some = [
  { name: "fast", title: "a fast call" },
  { name: "idle", group: "waits", title: "a call that sleeps" },
  { name: "woken", group: "waits", title: "a call that wakes" }
]

const usageError = (args: ReadonlyArray<string>) => {
  try {
    parse(args, some)
  } catch (error) {
    assert.instanceOf(error, UsageError)
    return error instanceof Error ? error.message : ""
  }
  return assert.fail("the options are accepted")
}

describe("the options of the benchmarks", () => {
  it("select all benchmarks by default, and write nothing", () => {
    assertEqual(parse([], some), {
      names: ["fast", "idle", "woken"],
      json: undefined,
      docs: false,
      from: [],
      help: false
    })
  })

  it("select benchmarks by name and by group, in the order of the benchmarks", () => {
    assertEqual(parse(["--only", "woken", "--only", "fast"], some).names, ["fast", "woken"])
    assertEqual(parse(["--only", "waits"], some).names, ["idle", "woken"])
  })

  it("read the names of files", () => {
    assert.strictEqual(parse(["--json", "results.json", "--docs"], some).json, "results.json")
    assertEqual(parse(["--docs", "--from", "a.json", "--from", "b.json"], some).from, ["a.json", "b.json"])
  })

  it("reject an unknown name, and list the names and groups", () => {
    assert.strictEqual(
      usageError(["--only", "fast", "--only", "slow"]),
      "--only: there is no benchmark \"slow\". Name one of: fast, idle, woken; or a group: waits"
    )
  })

  it("reject an unknown option, a missing value, and a page of some benchmarks", () => {
    assert.match(usageError(["--fast"]), /'--fast'[\s\S]*Use --help/)
    assert.match(usageError(["--json"]), /--json/)
    assert.strictEqual(
      usageError(["--docs", "--only", "fast"]),
      "--docs writes the page of all benchmarks: omit --only"
    )
    assert.match(usageError(["--from", "results.json"]), /^--from reads earlier results to write the page/)
  })

  it("are listed by --help, with the benchmarks", () => {
    assert.isTrue(parse(["--help"], some).help)
    for (const text of ["--only", "--json", "--docs", "--from", ...some.map(({ title }) => title), "(group waits)"]) {
      assert.include(usage(some), text)
    }
  })
})

describe("the goals of the benchmarks", () => {
  it("are met up to and including their limit", () => {
    assert.isTrue(atMost("time", 50, 50, "ms").isMet)
    assert.isFalse(atMost("time", 50.001, 50, "ms").isMet)
    assert.isTrue(atLeast("ratio", 0.9, 0.9, "×").isMet)
    assert.isFalse(atLeast("ratio", 0.899, 0.9, "×").isMet)
  })

  it("state by how much they are missed", () => {
    assert.strictEqual(shortfall(atMost("time", 75, 50, "ms")), "50.0 % above it")
    assert.strictEqual(shortfall(atLeast("ratio", 0.45, 0.9, "×")), "50.0 % below it")
    assert.strictEqual(shortfall(atMost("lost", 3, 0, "requests")), "3 requests above it")
  })

  it("fail if nothing was measured", () => {
    assert.throws(() => atMost("time", NaN, 50, "ms"), "time: nothing was measured, got NaN")
  })

  it("are rows of a table for a terminal and for a page", () => {
    const table = goalTable([atMost("time", 75, 50, "ms"), atLeast("a | b", 1_234, 1_000, "/s")])
    assert.strictEqual(
      terminalTable(table),
      [
        "measurement  value     goal               met",
        "time         75 ms     at most 50 ms      NO, 50.0 % above it",
        "a | b        1,234 /s  at least 1,000 /s  yes"
      ].join("\n")
    )
    assert.strictEqual(
      markdownTable(table),
      [
        "| measurement | value    | goal              | met                 |",
        "| ----------- | -------- | ----------------- | ------------------- |",
        "| time        | 75 ms    | at most 50 ms     | NO, 50.0 % above it |",
        "| a \\| b      | 1,234 /s | at least 1,000 /s | yes                 |"
      ].join("\n")
    )
  })
})

describe("the statistics of the benchmarks", () => {
  it("are NaN without measurements", () => {
    assert.isNaN(median([]))
    assert.isNaN(quantiles([]).p99)
    assert.isNaN(spread([]).p10)
  })

  it("do not depend on the order of the measurements", () => {
    assert.strictEqual(median([3, 1, 2]), 2)
    assertEqual(quantiles([3, 1, 2]), { p50: 2, p99: 3, max: 3 })
    assertEqual(spread([5, 4, 3, 2, 1]), { p10: 1, p50: 3, p90: 5 })
  })

  it("count the most times in any second, wherever it begins", () => {
    assert.strictEqual(mostInOneSecond([0, 900, 1_100, 1_800, 1_899, 2_500]), 4)
    assert.strictEqual(mostInOneSecond([]), 0)
  })
})

describe("the rounds of the benchmarks", () => {
  it("let each variant follow each of the others equally often, if their number is prime", () => {
    const names = ["a", "b", "c", "d", "e"]
    const followers = new Map<string, number>()
    for (let round = 0; round < 20; round++) {
      const names5 = order(names, round)
      assert.sameMembers([...names5], names)
      names5.slice(1).forEach((name, index) => {
        const pair = `${names5[index]}${name}`
        followers.set(pair, (followers.get(pair) ?? 0) + 1)
      })
    }
    assert.strictEqual(followers.size, 20)
    assertEqual(new Set(followers.values()), new Set([4]))
  })

  it("contain every variant once, for any number of variants", () => {
    for (const names of [["a"], ["a", "b"], ["a", "b", "c", "d"]]) {
      for (let round = 0; round < 12; round++) assert.sameMembers([...order(names, round)], names)
    }
  })

  it("alternate the variants, and keep the time of one call without the warm-up", async () => {
    const log: Array<string> = []
    const variant = (name: string, calls: number) => ({
      calls,
      run: async (count: number) => {
        log.push(`${name}${count}`)
      }
    })
    const times = await interleaved({ a: variant("a", 2), b: variant("b", 3) }, { rounds: 2, warmUpRounds: 1 })
    assertEqual(log, ["a2", "b3", "b3", "a2", "a2", "b3"])
    for (const name of ["a", "b"]) {
      assert.lengthOf(times.get(name)?.wall ?? [], 2)
      assert.lengthOf(times.get(name)?.cpu ?? [], 2)
    }
  })

  it("fail if a call fails", async () => {
    const failing = { calls: 1, run: () => Promise.reject(new Error("no reply")) }
    const outcome = await interleaved({ failing }, { rounds: 1, warmUpRounds: 0 }).catch((error: unknown) => error)
    assert.strictEqual(outcome instanceof Error ? outcome.message : "", "no reply")
  })
})

/** Fails unless the text is one element with closed children, without a number that is not one. */
const assertDrawable = (svg: string) => {
  assert.notMatch(svg, /NaN|Infinity|undefined/)
  assert.notMatch(svg, /&(?!amp;|lt;|gt;|quot;)/)
  const open: Array<string> = []
  for (const [, close = "", name = "", self = ""] of svg.matchAll(/<(\/?)(\w+)(?:\s[\w:-]+="[^"<]*")*\s*(\/?)>/g)) {
    if (close === "/") assert.strictEqual(open.pop(), name)
    else if (self !== "/") open.push(name)
  }
  assert.isEmpty(open)
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" [\s\S]*<\/svg>\n$/)
  assert.notInclude(svg.replaceAll(/<\/?\w+(?:\s[\w:-]+="[^"<]*")*\s*\/?>/g, ""), "<")
}

describe("the plots of the benchmarks", () => {
  const linesOf = (points: LinePlot["lines"][number]["points"]): LinePlot => ({
    kind: "lines",
    name: "plot",
    title: "Time & \"size\" <of a call>",
    xLabel: "entries",
    unit: "ms",
    lines: [{ name: "a<b", points }, { name: "none", points: [] }]
  })

  const barsOf = (bars: BarPlot["bars"], limit?: number): BarPlot => ({
    kind: "bars",
    name: "plot",
    title: "Time & size",
    unit: "ms",
    bars,
    limit
  })

  it("are well-formed, with several points, one point and none", () => {
    for (const points of [[[10, 1], [1_000, 5], [100_000, 5.5]], [[10, 1]], []] as const) {
      assertDrawable(draw(linesOf(points)))
    }
    const bars = [{ name: "a & b", value: 5, spread: [4, 9] as const }, { name: "c", value: 0 }]
    for (const some of [bars, bars.slice(1), []]) assertDrawable(draw(barsOf(some)))
    assertDrawable(draw(barsOf(bars, 20)))
  })

  it("have a line and a dot for each point, and no place for 0 on a logarithmic axis", () => {
    const svg = draw(linesOf([[10, 1], [100, 0], [1_000, 5]]))
    assert.lengthOf([...svg.matchAll(/<circle /g)], 2)
    assertDrawable(svg)
  })

  it("have bars in proportion to their values", () => {
    const svg = draw(barsOf([{ name: "a", value: 10 }, { name: "b", value: 5 }]))
    const [, wide = 0, narrow = NaN] = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/g)].map(([, width]) =>
      Number(width)
    )
    assert.closeTo(narrow / wide, 0.5, 0.01)
  })

  it("escape the names that they show", () => {
    assert.include(draw(linesOf([[10, 1]])), ">a&lt;b</text>")
  })
})

const result: Result = {
  goals: [atMost("time", 75, 50, "ms")],
  figures: {},
  tables: [{ title: "Calls", head: ["call", "median"], rows: [["get", "75 ms"]] }],
  plots: [{ kind: "bars", name: "calls", title: "Median time", unit: "ms", bars: [{ name: "get", value: 75 }] }],
  profile: { title: "Parts of a call", head: ["part", "share"], rows: [["parse", "100 %"]] }
}

const report: Report = {
  node: "v20.20.2",
  machine: "2 × CPU",
  goals: [{ benchmark: "calls", ...atMost("time", 75, 50, "ms") }],
  results: { calls: result },
  failures: {}
}

const described = [{ name: "calls", measures: "One call after the other." }]

const page = [
  "# Title",
  ...["machine", "goals", "shortfalls", "calls"].flatMap((name) => [
    `By hand before ${name}.`,
    `<!-- generated: ${name} -->`,
    "old",
    `<!-- end: ${name} -->`
  ]),
  "By hand at the end.",
  ""
].join("\n")

describe("a run of the benchmarks", () => {
  it("does not fail because a goal is missed, which the page states", () => {
    assertEqual(problems(report), [])
  })

  it("fails if a result is wrong on any machine, or a benchmark cannot be measured", () => {
    const broken = { benchmark: "calls", ...rule(atMost("requests", 2, 1, "")) }
    assertEqual(problems({ ...report, goals: [broken], failures: { waits: "no reply" } }), [
      "waits could not be measured: no reply",
      "calls: requests is 2, and must be at most 1 on any machine"
    ])
  })
})

describe("the reports of several runs", () => {
  const met = { ...result, goals: [atMost("time", 40, 50, "ms")] }

  it("are one report, in which a later result replaces an earlier result or failure", () => {
    const failed = { ...report, failures: { waits: "no reply" } }
    const one = merged([failed, { ...report, results: { calls: met, waits: result } }])
    assertEqual(one.goals.map(({ benchmark, value }) => [benchmark, value]), [["calls", 40], ["waits", 75]])
    assertEqual(one.failures, {})
    assertEqual(merged([failed, report]).failures, { waits: "no reply" })
  })

  it("must be of one machine and one version of Node", () => {
    assert.throws(
      () => merged([report, { ...report, node: "v24.0.0" }]),
      "the results must be those of one machine, got 2 × CPU, Node v20.20.2; 2 × CPU, Node v24.0.0"
    )
  })
})

describe("the page of the benchmarks", () => {
  const generated = generate(page, report, described)

  it("has the machine, the goals, and the tables and plots of each benchmark", () => {
    for (
      const text of [
        "Measured on 2 × CPU, with Node 20.20.2.",
        "| time        | 75 ms | at most 50 ms | NO, 50.0 % above it |",
        "One call after the other.\n\nCalls:\n\n| call | median |",
        "![Median time](benchmarks/calls.svg)"
      ]
    ) assert.include(generated, text)
  })

  it("has the profile of a benchmark that misses a goal, and of no other", () => {
    assert.include(generated, "- `calls`: time is 75 ms. The goal is at most 50 ms: the value is 50.0 % above it.")
    assert.include(generated, "Parts of a call:\n\n| part  | share |")
    const met = { ...report, goals: [{ benchmark: "calls", ...atMost("time", 40, 50, "ms") }] }
    assert.include(generate(page, met, described), "All goals are met.")
    assert.notInclude(generate(page, met, described), "Parts of a call")
  })

  it("keeps what is written by hand, and does not change when it is generated again", () => {
    for (const text of ["# Title\nBy hand before machine.", "By hand before calls.", "By hand at the end.\n"]) {
      assert.include(generated, text)
    }
    assert.notInclude(generated, "old")
    assert.strictEqual(generate(generated, report, described), generated)
  })

  it("is not generated without a part for a benchmark, for an unknown part, or with a failed benchmark", () => {
    const more = [...described, { name: "more", measures: "More." }]
    assert.throws(() => generate(page, report, more), "there is no result of the benchmark more")
    const both = { ...report, results: { calls: result, more: result } }
    assert.throws(() => generate(page, both, more), "docs/benchmarks.md has no generated part \"more\"")
    assert.throws(
      () => generate(page.replace("generated: calls", "generated: gone"), report, described),
      "docs/benchmarks.md has unknown generated parts: gone"
    )
    const failed = { ...report, failures: { calls: "no reply" } }
    assert.throws(() => generate(page, failed, described), "these benchmarks failed: calls")
  })

  it("has a part and the plots of every benchmark of this repository", () => {
    const text = read("docs/benchmarks.md")
    for (const { name } of benchmarks) assert.include(text, `<!-- generated: ${name} -->`)
    const shown = Array.from(text.matchAll(/\]\(benchmarks\/([\w-]+\.svg)\)/g), ([, file = ""]) => file)
    assert.sameMembers(readdirSync(new URL("../docs/benchmarks", import.meta.url)), shown)
    for (const file of shown) assertDrawable(read(`docs/benchmarks/${file}`))
  })

  it("describes benchmarks with different names, which are no options", () => {
    const names = benchmarks.map(({ name }) => name)
    assert.strictEqual(new Set(names).size, names.length)
    for (const name of names) assert.match(name, /^[a-z]+$/)
  })
})
