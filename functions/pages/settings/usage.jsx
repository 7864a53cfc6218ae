/** The plan, and how much of it is used. */

import { useState } from "preact/hooks";
import { format } from "../format.js";
import { Button } from "../parts/button.jsx";
import { words } from "../words.js";
import { PlanChoice } from "./plan.jsx";
import { Section } from "./section.jsx";
import { isReader } from "./state.js";

/** @import { SettingsView, UsageSummaryView } from "../api-types.d.ts" */
/** @import { SettingsState } from "./state.js" */

/** @typedef {UsageSummaryView["days"][number]} Day */

/** @param {{ page: SettingsState, settings: SettingsView }} props */
export function Usage({ page, settings }) {
  const [choosing, setChoosing] = useState(false);
  const { billing, usage } = settings;
  const { plan, period, next_plan: next } = billing;
  const share = usage.allowed > 0 ? usage.used / usage.allowed : 1;
  const level = share >= 1 ? "full" : share >= 0.8 ? "high" : "fine";
  return (
    <Section
      id="usage"
      title={words.settings.usage}
      text={words.usage.text}
      aside={
        !isReader(settings) && (
          <Button may={settings.may.change_plan} onPress={() => setChoosing(true)}>
            {words.usage.changePlan}
          </Button>
        )
      }
    >
      <div class="card">
        <div class="tiles">
          <div class="tile">
            <h3 class="tile-title">{words.usage.plan}</h3>
            <p class="tile-value" data-testid="plan">
              <bdi>{plan.name}</bdi>
            </p>
            <p class="muted small">
              {words.usage.monthly(plan.monthly_credits)}
              {plan.price && (
                <>
                  {" · "}
                  <bdi>{plan.price}</bdi>
                </>
              )}
              {next && (
                <>
                  <br />
                  {words.usage.next(next.name, format.dayInUtc(next.from))}
                </>
              )}
            </p>
          </div>
          <div class="tile">
            <h3 class="tile-title">{words.usage.period}</h3>
            <p class="tile-value">{words.usage.span(format.dayInUtc(period.start), format.lastDay(period.end))}</p>
            <p class="muted small">{words.usage.resets(format.dayInUtc(period.end))}</p>
          </div>
          <div class="tile tile-wide">
            <h3 class="tile-title" id="credits-title">
              {words.usage.credits}
            </h3>
            <p class="tile-value" data-testid="credits">
              {words.usage.used(usage.used, usage.allowed)}
            </p>
            <div
              class={`meter meter-${level}`}
              role="meter"
              aria-labelledby="credits-title"
              aria-valuemin={0}
              aria-valuemax={usage.allowed}
              aria-valuenow={Math.min(usage.used, usage.allowed)}
              aria-valuetext={`${words.usage.used(usage.used, usage.allowed)}, ${words.usage.left(usage.remaining)}`}
            >
              <span class="meter-fill" style={{ width: `${Math.min(100, share * 100)}%` }} />
            </div>
            <p class={level === "full" ? "small problem-text" : "muted small"}>
              {level === "full" ? words.usage.exhausted : `${format.percent(share)} · ${words.usage.left(usage.remaining)}`}
            </p>
          </div>
        </div>
        <Days days={usage.days} />
      </div>
      {choosing && <PlanChoice page={page} used={settings.usage.used} onClose={() => setChoosing(false)} />}
    </Section>
  );
}

/** @param {{ days: Day[] }} props */
function Days({ days }) {
  const [asTable, setAsTable] = useState(false);
  return (
    <div class="days">
      <div class="days-head">
        <div>
          <h3 class="tile-title" id="days-title">
            {words.usage.days}
          </h3>
          <p class="muted small">{words.usage.lastDays}</p>
        </div>
        <button type="button" class="button button-quiet button-small" onClick={() => setAsTable(!asTable)}>
          {asTable ? words.usage.asChart : words.usage.asTable}
        </button>
      </div>
      {asTable ? <DayTable days={days} /> : <Chart days={days} />}
    </div>
  );
}

/** @param {{ days: Day[] }} props */
function DayTable({ days }) {
  return (
    <div class="day-table" tabIndex={0} role="region" aria-labelledby="days-title">
      <table aria-labelledby="days-title">
        <thead>
          <tr>
            <th scope="col">{words.usage.date}</th>
            <th scope="col">{words.usage.amount}</th>
          </tr>
        </thead>
        <tbody>
          {days.toReversed().map((day) => (
            <tr key={day.date}>
              <th scope="row">{format.shortDay(day.date)}</th>
              <td>{format.number(day.credits)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const WIDTH = 720;
const HEIGHT = 140;
const FLOOR = HEIGHT - 20;
const CEILING = 8;

/**
 * A round number that is not less.
 *
 * @param {number} most
 */
function roundedUp(most) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  const step = [1, 1.2, 1.6, 2, 3, 4, 6, 8, 10].find((step) => step * power >= most) ?? 10;
  // Half of it is written beside the chart, too.
  return Math.max(2, 2 * Math.ceil((step * power) / 2));
}

/** @param {{ days: Day[] }} props */
function Chart({ days }) {
  const total = days.reduce((sum, day) => sum + day.credits, 0);
  const most = days.reduce((most, day) => (day.credits > most.credits ? day : most), { date: "", credits: 0 });
  const top = roundedUp(most.credits);
  const step = WIDTH / Math.max(1, days.length);
  const summary = total === 0 ? words.usage.nothing : words.usage.summary(total, most.credits, format.shortDay(most.date));
  const labelled = [0, Math.floor((days.length - 1) / 2), days.length - 1];
  return (
    <figure class="chart">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={summary} preserveAspectRatio="none">
        {[top, top / 2, 0].map((value) => {
          const y = FLOOR - (value / top) * (FLOOR - CEILING);
          return <line key={value} class="chart-line" x1="0" x2={WIDTH} y1={y} y2={y} vector-effect="non-scaling-stroke" />;
        })}
        {days.map((day, index) => {
          const height = (day.credits / top) * (FLOOR - CEILING);
          return (
            <g key={day.date} class="chart-day">
              <title>{`${format.shortDay(day.date)}: ${format.number(day.credits)}`}</title>
              <rect class="chart-hit" x={index * step} y="0" width={step} height={FLOOR} />
              <rect class="chart-bar" x={index * step + step * 0.15} y={FLOOR - height} width={step * 0.7} height={height} rx="1.5" />
            </g>
          );
        })}
      </svg>
      <div class="chart-scale" aria-hidden="true">
        <span>{format.number(top)}</span>
        <span>{format.number(top / 2)}</span>
        <span>0</span>
      </div>
      <div class="chart-dates" aria-hidden="true">
        {labelled.map((index) => (
          <span key={index}>{days[index] ? format.shortDay(days[index].date) : ""}</span>
        ))}
      </div>
      <figcaption class="muted small">{summary}</figcaption>
    </figure>
  );
}
