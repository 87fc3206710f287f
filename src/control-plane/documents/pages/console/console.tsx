import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Charts } from "./charts/charts.tsx";
import { access } from "./data/api.ts";
import { fleetData, liveSessions, openFleet } from "./data/fleet.ts";
import { useStore } from "./data/store.ts";
import { ConnectionProblem, Header } from "./views/header.tsx";
import { Replicas } from "./views/replicas.tsx";
import { SessionPage } from "./views/session-page.tsx";
import { SessionsTable } from "./views/sessions-table.tsx";
import { Tiles } from "./views/tiles.tsx";

function Page() {
  const id = useSessionOfAddress();
  const { key, isAsked } = useStore(access);
  return (
    <>
      <Header />
      <main>
        <ConnectionProblem />
        {!isAsked && (id === null ? <Overview key={key} /> : <SessionPage key={id} id={id} />)}
      </main>
    </>
  );
}

function Overview() {
  const { feed, fleet, points } = useStore(fleetData);
  return (
    <>
      {fleet && <Tiles fleet={fleet} points={points} />}
      {fleet && <Charts points={points} />}
      <div class="lists">
        {(fleet || feed.name === "refused") && <SessionsTable total={fleet && liveSessions(fleet)} />}
        {fleet && <Replicas fleet={fleet} />}
      </div>
    </>
  );
}

/** Returns the id of the session that the address names: `#/sessions/{id}`. */
function useSessionOfAddress(): string | null {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => {
      setHash(location.hash);
      scrollTo(0, 0);
    };
    addEventListener("hashchange", changed);
    // The address may have changed between the first look and now.
    setHash(location.hash);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return /^#\/sessions\/([\da-f-]+)$/.exec(hash)?.[1] ?? null;
}

openFleet();
const place = document.getElementById("page");
if (place) render(<Page />, place);
