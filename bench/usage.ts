/** The use of memory and processor of a server, which it reports for each message. */

export interface Usage {
  /** Heap in MiB after a garbage collection. */
  readonly heap: number
  /** Microseconds of the processor since the start. */
  readonly cpu: number
}

/** Answers each message with the usage, and ends with the program that started this one. */
export const reportUsage = (): void => {
  process.on("message", () => {
    const { system, user } = process.cpuUsage()
    globalThis.gc?.()
    const usage: Usage = { heap: process.memoryUsage().heapUsed / 1024 / 1024, cpu: system + user }
    process.send?.(usage)
  })
  process.on("disconnect", () => process.exit(0))
}
