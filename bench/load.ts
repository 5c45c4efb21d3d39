import { Agent, request } from "node:http"
import { performance } from "node:perf_hooks"

export interface Target {
  readonly port: number
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string
}

export interface Measured {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

const quantile = (sorted: Float64Array, q: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0

/** Sends `count` requests over `connections` kept-alive connections, and each connection sends the next request after its response. */
export const load = (target: Target, options: { readonly connections: number; readonly count: number }) =>
  new Promise<Measured>((resolve, reject) => {
    const { connections, count } = options
    const agent = new Agent({ keepAlive: true, maxSockets: connections })
    const times = new Float64Array(count)
    let sent = 0
    let done = 0
    const began = performance.now()
    const next = () => {
      if (sent === count) return
      const index = sent++
      const start = performance.now()
      const one = request(
        { agent, host: "127.0.0.1", port: target.port, path: target.path, method: "POST", headers: target.headers },
        (response) => {
          if (response.statusCode !== 200) reject(new Error(`HTTP ${response.statusCode}`))
          response.resume()
          response.on("end", () => {
            times[index] = performance.now() - start
            if (++done < count) return next()
            agent.destroy()
            times.sort()
            resolve({
              perSecond: count / ((performance.now() - began) / 1000),
              p50: quantile(times, 0.5),
              p99: quantile(times, 0.99)
            })
          })
        }
      )
      one.on("error", reject)
      one.end(target.body)
    }
    for (let i = 0; i < connections; i++) next()
  })
