// FiftyOne's App keeps every sample that was opened as it was then, and none of its own
// operators makes it forget; a page that went on would write that back over newer labels.
(function () {
  const { Operator, OperatorConfig, registerOperator } = window.__foo__;

  class ReloadPage extends Operator {
    get config() {
      return new OperatorConfig({ name: "reload_page", label: "labelloop: reload the page", unlisted: true });
    }

    async execute() {
      const dialogs = '[role="dialog"]';
      const timer = setInterval(() => {
        if (!document.querySelector(dialogs)) {
          clearInterval(timer);
          window.location.reload();
        }
      }, 300);
    }
  }

  registerOperator(ReloadPage, "@labelloop/labelloop");
})();
