// The options of `fairlead bench` and `fairlead bench compare`.
#include "client/commands/bench/bench_settings.hpp"

namespace fairlead {
namespace {

namespace po = program_options;

po::options_description load_options(const char* default_duration) {
  po::options_description load("Load", kHelpColumns);
  add_options(
      load,
      {{"connections,c", "N", "connections in all (default 100)"},
       {"rate,r", "RATE",
        "messages a second (or 30/m, 10/h), in all, on a fixed schedule (open loop); without it "
        "each "
        "connection sends as soon as it has its reply (closed loop)"},
       {"duration,d", "TIME", default_duration},
       {"messages,n", "N", "end after so many instead"},
       {"stage", "LIST", "several rates in turn, or rising and falling evenly: 10s@1k,30s@1k-5k"},
       {"warmup", "TIME", "do not count the first part of it"},
       {"ramp", "TIME", "rise to the rate, or open the connections, over this time"},
       {"inflight", "N", "messages of a connection that may wait for replies (default 1)"},
       {"threads,t", "N", "(default 1)"},
       {"connect-rate", "RATE", "open so many connections a second at most"},
       {"reconnect-every", "N", "replace a connection after so many messages"},
       {"idle", "", "only hold the connections"},
       {"seed", "N", "of all that is random; else another one each time"},
       {"spin", "", "never sleep: exact, and all of a core for each thread"}});
  po::options_description what("What is sent, and what must come back", kHelpColumns);
  add_options(
      what, {{"mode", "NAME",
              "reply (default); conn: connect, an exchange if there is a message, close; greet: "
              "wait for the greeting, close; file: download; idle"},
             {"message,m", "TEXT",
              "with \\r \\n \\t \\0 \\\\ \\xNN and {id} {seq} {n} {rand:16} {zh:20}; several are "
              "taken in turn; mode file: the file's name",
              OptionText::Kind::list},
             {"file,f", "FILE", "messages, one a line; -: stdin"},
             {"whole", "", "--file: all of it is one message"},
             {"size,s", "SIZE", "random letters and digits: so many bytes, or 10-200 (default 64)"},
             {"encoding,e", "NAME", "utf-8 (default), gbk, gb18030, latin1 or binary"},
             {"expect", "WHAT",
              "of each reply: echo (default), TEXT, text:TEXT, re:PATTERN, len:N or none"},
             {"expect-end", "WHAT",
              "text: where a reply ends: line, http, TEXT, text:TEXT, re:PATTERN, silence or "
              "silence:TIME"},
             {"protocol", "NAME", "text (default), len32 or framed"},
             {"boundary", "NAME",
              "text: line (default) ends each message with a newline, if it has none; auto and "
              "none send it as it is"},
             {"service", "NAME", "framed: instead of the server's default one"},
             {"skip-greeting", "",
              "text: wait for what the server says first, and drop it: up to --expect-end, else "
              "to 200 ms of silence"}});
  po::options_description how("How", kHelpColumns);
  add_options(how, {{"source", "IP[/BITS]",
                     "connect from this address, or from each of a network's in turn"},
                    {"ipv4,4", "", "use IPv4 only"},
                    {"ipv6,6", "", "use IPv6 only"},
                    {"connect-timeout", "TIME", "(default 10s)"},
                    {"timeout", "TIME", "a reply that takes longer is an error (default 10s)"},
                    {"no-tui", "", "watch it as lines, not as a screen"},
                    {"quiet,q", "", "do not watch it"}});
  load.add(what).add(how);
  return load;
}

}  // namespace

po::options_description bench_options() {
  po::options_description options =
      load_options("how long, warm-up included (default 10s; 0: until Ctrl-C)");
  po::options_description judged("What it is judged by, and what is told", kHelpColumns);
  add_options(
      judged,
      {{"threshold", "RULE",
        "exit 99 unless it holds: 'p99<20ms', 'errors<0.1%', 'mismatch==0', 'rate>50k'; "
        "may be given several times",
        OptionText::Kind::list},
       {"abort-on", "RULE",
        "end it as soon as this is so, judged each second, and exit 99: 'errors>5%'; may be "
        "given several times",
        OptionText::Kind::list},
       {"pid", "PID", "of the server on this machine: its processor time, for a message"},
       {"json", "FILE", "the report for programs; -: stdout"},
       {"csv", "FILE", "each second of it; -: stdout"},
       {"html", "FILE", "a page with charts; -: stdout"},
       {"check", "", "say whether descriptors and ports suffice, and run nothing"},
       {"dry-run", "", "show the bytes of one exchange both ways"}});
  options.add(judged);
  return options;
}

po::options_description bench_compare_options() {
  po::options_description options =
      load_options("how long each address is loaded in each round (default 2s)");
  po::options_description compared("Comparison", kHelpColumns);
  add_options(compared,
              {{"rounds", "N", "(default 10; at least 2)"},
               {"fail-if", "RULE",
                "exit 97 if it is so: 'p99>+10%', 'rate<-5%'; may be given several times",
                OptionText::Kind::list},
               {"drift", "PERCENT", "two files: what may differ for no reason (default 30)"},
               {"markdown", "FILE", "the table for a page; -: stdout"},
               {"json", "FILE", "the table for programs; -: stdout"}});
  options.add(compared);
  return options;
}

}  // namespace fairlead
