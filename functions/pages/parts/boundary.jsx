/** Keeps a failure in one part of a page from taking the others along. */

import { Component } from "preact";
import { words } from "../words.js";
import { Failed } from "./waiting.jsx";

/** @import { ComponentChildren } from "preact" */

/** @extends {Component<{ told?: string, children: ComponentChildren }, { failed: boolean }>} */
export class Boundary extends Component {
  /** @override */
  state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  /** @override @param {unknown} error */
  componentDidCatch(error) {
    console.error(error);
  }

  /** @override */
  render() {
    const { told = words.errors.part, children } = this.props;
    if (this.state.failed) {
      return <Failed error={new Error(told)} onRetry={() => this.setState({ failed: false })} />;
    }
    return children;
  }
}
