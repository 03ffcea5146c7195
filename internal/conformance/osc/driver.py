"""Runs lines of arguments of the openstack command, one process for all of them: to
start Python takes longer than the command. Reads a JSON list from each line of standard
input; answers with a JSON object of status and output on each line of standard output."""
import contextlib, io, json, sys
from openstackclient.shell import OpenStackShell

answers = sys.stdout
for line in sys.stdin:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            status = OpenStackShell().run(json.loads(line))
        except SystemExit as e:
            status = e.code
        except BaseException as e:  # as the command itself would end
            print(repr(e), file=out)
            status = 1
    print(json.dumps({'status': status or 0, 'output': out.getvalue()}), file=answers, flush=True)
