// Fingerprints that people read aloud to one another: eight words of a list of 256. What is compared this way (an
// organisation's key, a genesis) is also signed in full, so an attacker must hit one given fingerprint; 64 bits and
// 2^14 hashes for each guess put that beyond reach.

import { concat } from '../base/bytes.ts'
import { hashBytes } from '../base/hash.ts'

/** Hashes that one guess costs: some hundredths of a second. */
const stretch = 16_384

/** Short, plain, easily told apart by ear; the place of a word is its byte. */
export const words: readonly string[] = `
  acid actor adult agent alarm album alley amber anchor angle apple apron arena arrow atlas attic
  badge baker bamboo banana banjo barrel basket beach beacon beaver berry bishop blanket bonus border bottle
  bracket branch bread bridge bronze brush bubble bucket butter button cabin cable cactus camel candle canoe
  canyon carbon cargo carpet carrot castle cedar cello cherry chimney circus citrus clover cobalt coffee comet
  copper coral cotton cradle crystal curtain cycle dagger dancer debate decade delta denim desert diamond dinner
  doctor dolphin donkey dragon drum eagle early echo elbow elder ember engine envoy easel fabric falcon
  farmer feather fence fiber fiddle filter finger flame flute forest fossil fountain fox frost galaxy garden
  garlic gentle giant ginger glacier globe goblet golden gospel granite gravel guitar hammer harbor harvest hazel
  helmet hermit hollow honey hotel humble hunter iceberg igloo indigo insect iris island ivory jacket jaguar
  jasmine jelly jersey jewel jigsaw jungle junior kayak kernel kettle kidney kitchen kitten koala ladder lagoon
  lantern laptop lava leather lemon lentil liberty lilac linen lizard lobster locket magnet mango maple marble
  meadow melon mentor metal midnight mirror modem monkey mosaic mountain muffin museum nectar needle neon nickel
  noble nutmeg oasis ocean olive onion opera orange orbit orchid otter oxygen oyster paddle palace panda
  paper parrot pebble pencil pepper piano pigeon pilot planet plaza polar pony prism pumpkin puzzle quartz
  rabbit radar raven ribbon river robot rocket saddle salmon satin scarf shadow silver spider spoon sugar
  sunset table temple thunder tiger tulip tunnel turtle velvet violin walnut whisper willow winter yellow zebra
`
  .trim()
  .split(/\s+/)

/** Eight words for `bytes` (a public key, a genesis hash). */
export function fingerprint(bytes: Uint8Array): string {
  let digest = hashBytes('fingerprint', bytes)
  for (let round = 1; round < stretch; round++) digest = hashBytes('fingerprint', concat(digest, bytes))
  return [...digest.subarray(0, 8)].map((byte) => words[byte]).join(' ')
}
