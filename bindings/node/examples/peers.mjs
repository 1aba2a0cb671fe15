// Two networks that are linked, as they would be in two processes: they find each other by discovery, and the
// graph of one has an actor of the other.
import { DiscoveryServer, Network, Peer, actor } from 'reflow';

const discovery = new DiscoveryServer();
const endpoint = `http://127.0.0.1:${discovery.serve({ address: '127.0.0.1' })}`;
const common = { bindAddress: '127.0.0.1', authToken: 'secret', discoveryEndpoints: [endpoint] };

const pricing = new Network().add('price', actor({ inports: ['order'], outports: ['priced'] },
  (ctx, order) => ({ priced: { ...order, price: order.pieces * 3 } })));
const billing = new Peer({ networkId: 'billing', ...common }).attach(pricing);
await pricing.start();
await billing.start();
await billing.discover();

let done;
const all = new Promise((resolve) => { done = resolve; });
const print = actor({ inports: ['in'] }, (ctx, order) => {
  console.log(`order ${order.id}: ${order.price}`);
  if (order.id === 3) done();
});
const orders = actor({ outports: ['order'] }, [1, 2, 3].map((id) => ({ order: { id, pieces: id * 10 } })));
const shop = new Network().add('orders', orders).add('price', 'price@billing').add('print', print)
  .connect('orders.order', 'price.order').connect('price.priced', 'print.in');
const front = new Peer({ networkId: 'shop', ...common }).attach(shop);
const linked = front.events({ kinds: ['connected'] });
await front.start();
await front.discover();
console.log(`linked to ${(await linked.next()).value.network_id}`);
await shop.start();
await all;
await front.close();
await billing.close();
await shop.close();
await pricing.close();
await discovery.close();
