/** Short rounds in which the variants of a call alternate, so that the load of the machine is the same for all of them. */
import { Bench } from "tinybench"

/** One way to do the same. */
export interface Variant {
  /** Calls in one round. */
  readonly calls: number
  /** Makes this number of calls, one after the other. */
  readonly run: (calls: number) => Promise<void>
}

/** Microseconds of one call, for each round. */
export interface Times {
  readonly wall: ReadonlyArray<number>
  /** Time of the processor in this process. */
  readonly cpu: ReadonlyArray<number>
}

const divisor = (a: number, b: number): number => b === 0 ? a : divisor(b, a % b)

/**
 * The order of a round. It changes from round to round, since the garbage of one variant is collected during the next. If the
 * number of names is prime, each variant follows each of the others equally often.
 */
export const order = <Name extends string>(names: ReadonlyArray<Name>, round: number): ReadonlyArray<Name> => {
  const count = names.length
  const steps = Array.from({ length: Math.max(count - 1, 1) }, (_, i) => i + 1).filter((step) =>
    divisor(count, step) === 1
  )
  const step = steps[Math.floor(round / count) % steps.length] ?? 1
  return names.flatMap((_, i) => names.slice((round + i * step) % count).slice(0, 1))
}

/** Measures the variants in alternating rounds. Fails if a call fails. */
export const interleaved = async (
  variants: Readonly<Record<string, Variant>>,
  { rounds, warmUpRounds }: { readonly rounds: number; readonly warmUpRounds: number }
): Promise<ReadonlyMap<string, Times>> => {
  // One iteration is one round of a variant.
  const bench = new Bench({ time: 0, iterations: 1, throws: true })
  const measured = Object.entries(variants).map(([name, { calls, run }]) => {
    const times = { wall: Array.of<number>(), cpu: Array.of<number>() }
    let before = process.cpuUsage()
    let cpu = 0
    bench.add(name, async () => {
      await run(calls)
    }, {
      beforeEach: () => {
        before = process.cpuUsage()
      },
      afterEach: () => {
        const { system, user } = process.cpuUsage(before)
        cpu = system + user
      }
    })
    const measure = async (isKept: boolean) => {
      const task = await bench.getTask(name)?.run()
      if (task?.result === undefined) throw new Error(`${name}: a round has no result`)
      if (!isKept) return
      times.wall.push(task.result.totalTime * 1_000 / calls)
      times.cpu.push(cpu / calls)
    }
    return { name, times, measure }
  })
  const names = Object.keys(variants)
  for (let round = 0; round < warmUpRounds + rounds; round++) {
    for (const name of order(names, round)) {
      await measured.find((one) => one.name === name)?.measure(round >= warmUpRounds)
    }
  }
  return new Map(measured.map(({ name, times }) => [name, times]))
}
