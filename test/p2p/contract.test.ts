import { transportContract } from '../consensus/ports/transport.ts'
import { Consortium, until } from './fixture.ts'

transportContract('the mesh over TCP on the loopback', async (count) => {
  const consortium = new Consortium()
  const places = Array.from({ length: count }, (_, n) => n + 1)
  for (const place of places) consortium.list(place)
  const actors = await Promise.all(places.map((place) => consortium.open(place)))
  return {
    transports: new Map(actors.map(({ node, mesh }) => [node, mesh])),
    until: (condition) => until(condition, 'the condition of the contract'),
    remove: () => consortium.close(),
  }
})
