/** Ledger entries in Redis: `deadline:value`, the deadline in milliseconds since the epoch and the value as JSON. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { ConsentLedger } from "../../ConsentLedger.js"
import { LedgerFailure } from "../../IdentityError.js"
import { wellFormed } from "../lib/text.js"
import type { Connection } from "./connection.js"
import type { RedisUnavailable } from "./failure.js"

// The deadline is compared with the time of the process, as in every ledger. The expiry of Redis only frees memory.
const readLive = `
local function live()
  local text = redis.call('GET', KEYS[1])
  if not text then return nil end
  local deadline, value = string.match(text, '^(%d+):(.*)$')
  if not deadline then return -1 end
  if tonumber(ARGV[1]) >= tonumber(deadline) then
    redis.call('DEL', KEYS[1])
    return nil
  end
  return value, deadline
end
local value, deadline = live()
if value == -1 then return -1 end
`

const add = `${readLive}
if value then return 0 end
if tonumber(ARGV[4]) > 0 then redis.call('SET', KEYS[1], ARGV[3] .. ':' .. ARGV[2], 'PX', ARGV[4]) end
return 1`

const get = `${readLive}
return value or false`

const replace = `${readLive}
if value ~= ARGV[2] then return 0 end
redis.call('SET', KEYS[1], deadline .. ':' .. ARGV[3], 'KEEPTTL')
return 1`

const take = `${readLive}
redis.call('DEL', KEYS[1])
return value or false`

// JSON keeps halves of surrogate pairs, which Redis cannot store.
const decode = Schema.decodeUnknown(Schema.NullOr(Schema.parseJson(Schema.String)))

const foreign = () =>
  new LedgerFailure({
    message: "a value in Redis is not an entry of a ConsentLedger: remove it, or give Redis a prefix of its own"
  })

const failed = ({ reason }: RedisUnavailable) =>
  new LedgerFailure({ message: `the ConsentLedger could not use Redis: ${reason}` })

/** @internal */
export const make = ({ prefix, send }: Connection): ConsentLedger["Type"] => {
  const run = (script: string, key: string, ...args: ReadonlyArray<string | number>) =>
    DateTime.now.pipe(
      Effect.flatMap((now) =>
        send((redis) =>
          redis.eval(script, 1, `${prefix}ledger:${wellFormed(key)}`, DateTime.toEpochMillis(now), ...args)
        )
      ),
      Effect.mapError(failed),
      Effect.filterOrFail((reply) => reply !== -1, foreign)
    )

  const read = (script: string, key: string) =>
    Effect.flatMap(
      run(script, key),
      (text) => Effect.mapBoth(decode(text), { onFailure: foreign, onSuccess: Option.fromNullable })
    )

  return {
    add: (key, value, expiresAt) =>
      Effect.flatMap(DateTime.now, (now) => {
        const deadline = DateTime.toEpochMillis(expiresAt)
        return Effect.map(
          run(add, key, JSON.stringify(value), deadline, Math.ceil(deadline - DateTime.toEpochMillis(now))),
          (reply) => reply === 1
        )
      }),
    get: (key) => read(get, key),
    replace: (key, before, after) =>
      Effect.map(run(replace, key, JSON.stringify(before), JSON.stringify(after)), (reply) => reply === 1),
    take: (key) => read(take, key)
  }
}
