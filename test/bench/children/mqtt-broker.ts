/** The gateway's MQTT broker on a port of its own, without the gateway: who comes is let in, what comes is taken. */
import { startBroker } from '../../support/mqtt-broker.ts';
import { tell } from './orders.ts';

const { port } = await startBroker({
  incoming: async () => {},
  limits: { connections: 1_000 },
});
tell({ port });
