%% SPDX-License-Identifier: GPL-2.0-or-later
%% What is still to be sent: presence of who has come or changed, pushes to who is to be told of a change. At a bounded rate, some
%% milliseconds at a time, in turns. An entry for each session and each user; only few at a time know all that they have to send.
-module(gatehouse_directory_queue).

-export([new/0, session/4, moved/3, look/3, left/3, run/4, waiting/1, is_empty/1, oldest/1]).
-export_type([queue/0, job/0]).

-include("gatehouse_directory.hrl").

-type who() :: gatehouse_directory_parts:jid().
-type key() :: {session, pid()} | {items, pid()} | {user, who()}.
%% items: of whom the session may want to be told what was published.
%% fetch: whose presence the session wants; announce: who wants that of the session; leave: who is told that it has gone, by this presence.
%% looked: since which generation the user's clients have not been told what changed; changes: what they are being told.
-type todo() :: todo | [who()].
-type job() :: #{kind := here, user := who(), fetch := todo(), announce := todo()}
             | #{kind := items, user := who(), nodes := [binary()], items := todo()}
             | #{kind := left, user := who(), presence := #presence{}, leave := todo()}
             | #{kind := user, looked := none | non_neg_integer(), changes := [gatehouse_directory_difference:change()]}.
-type queue() :: #{jobs := #{key() => job()}, waiting := queue:queue(key()), active := queue:queue(key()), turns := non_neg_integer()}.

-define(MOST_ACTIVE, 50).
-define(TURN, 20).

-spec new() -> queue().
new() -> #{jobs => #{}, waiting => queue:new(), active => queue:new(), turns => 0}.

%% A session has come (and wants to know who is there), has other presence, or has gone.
-spec session(queue(), pid(), who(), come | changed | {gone, #presence{}} | {wants, [binary()]}) -> queue().
session(Queue, Pid, User, {wants, Nodes}) -> put_job({items, Pid}, #{kind => items, user => User, nodes => Nodes, items => todo}, Queue);
session(#{jobs := Jobs} = Queue, Pid, User, What) ->
    Key = {session, Pid},
    Known = maps:get(Key, Jobs, none),
    Job = case {What, Known} of
        {come, _} -> #{kind => here, user => User, fetch => todo, announce => todo};
        {changed, #{kind := here}} -> Known#{announce := todo};
        {changed, _} -> #{kind => here, user => User, fetch => [], announce => todo};
        {{gone, Presence}, _} -> #{kind => left, user => User, presence => Presence, leave => todo}
    end,
    put_job(Key, Job, Queue).

%% The session goes on in another process.
-spec moved(queue(), pid(), pid()) -> queue().
moved(#{jobs := Jobs} = Queue, Old, New) ->
    case maps:take({session, Old}, Jobs) of
        error -> Queue;
        {Job, Rest} -> put_job({session, New}, Job, Queue#{jobs := Rest})
    end.

-spec look(queue(), who(), non_neg_integer()) -> queue().
look(#{jobs := Jobs} = Queue, User, Generation) ->
    Key = {user, User},
    case Jobs of
        #{Key := #{looked := none} = Job} -> Queue#{jobs := Jobs#{Key := Job#{looked := Generation}}};
        #{Key := _} -> Queue;
        _ -> put_job(Key, #{kind => user, looked => Generation, changes => []}, Queue)
    end.

put_job(Key, Job, #{jobs := Jobs, waiting := Waiting} = Queue) ->
    case Jobs of
        #{Key := _} -> Queue#{jobs := Jobs#{Key := Job}};
        _ -> Queue#{jobs := Jobs#{Key => Job}, waiting := queue:in(Key, Waiting)}
    end.

%% Somebody has gone whom these still believe to see, since they have not been told yet: they are told now.
-spec left(queue(), fun((non_neg_integer()) -> gatehouse_directory_view:view()), {who(), #presence{}}) -> ok.
left(#{jobs := Jobs}, Before, {User, Presence}) ->
    maps:foreach(fun({user, Viewer}, #{looked := From}) when is_integer(From) ->
                         case gatehouse_directory_view:sees(Before(From), Viewer, User) of
                             true -> gatehouse_directory_sessions:say(Presence, Viewer);
                             false -> ok
                         end;
                    (_, _) -> ok
                 end, Jobs).

-spec is_empty(queue()) -> boolean().
is_empty(#{jobs := Jobs}) -> map_size(Jobs) =:= 0.

%% The earliest generation that somebody was told last.
-spec oldest(queue()) -> non_neg_integer() | none.
oldest(#{jobs := Jobs}) ->
    case [From || #{kind := user, looked := From} <- maps:values(Jobs), is_integer(From)] of
        [] -> none;
        All -> lists:min(All)
    end.

-spec waiting(queue()) -> non_neg_integer().
waiting(#{jobs := Jobs}) ->
    maps:fold(fun(_, #{kind := here, fetch := Fetch, announce := Announce}, Sum) -> Sum + size_of(Fetch) + size_of(Announce);
                 (_, #{kind := left, leave := Leave}, Sum) -> Sum + size_of(Leave);
                 (_, #{kind := items, items := Items}, Sum) -> Sum + size_of(Items);
                 (_, #{kind := user, changes := Changes, looked := Looked}, Sum) ->
                      Sum + length(Changes) + case Looked of none -> 0; _ -> 1 end
              end, 0, Jobs).

size_of(todo) -> 1;
size_of(List) -> length(List).

%% Works until so many stanzas are sent, or the time is over. Views: what is so now, and what was before since a generation, with
%% who was touched since.
-spec run(queue(), integer(), integer(), {gatehouse_directory_view:view(), fun((non_neg_integer()) -> gatehouse_directory_view:view()),
                                          fun((non_neg_integer()) -> gatehouse_directory_difference:touched())}) ->
    {Sent :: non_neg_integer(), queue()}.
run(Queue, Budget, Until, Views) -> run(Queue, Budget, Until, Views, 0).

run(Queue, Budget, Until, Views, Sent) ->
    case Sent < Budget andalso next(Queue) of
        {Key, #{jobs := Jobs, active := Active} = Queue1} ->
            {More, Left} = turn(Key, maps:get(Key, Jobs), Views, Jobs),
            Queue2 = case Left of
                done -> Queue1#{jobs := maps:remove(Key, Jobs)};
                _ -> Queue1#{jobs := Jobs#{Key := Left}, active := queue:in(Key, Active)}
            end,
            case erlang:monotonic_time(microsecond) >= Until of
                true -> {Sent + More, Queue2};
                false -> run(Queue2, Budget, Until, Views, Sent + More)
            end;
        _ -> {Sent, Queue}
    end.

%% Keys of what has moved on or is done meanwhile are passed over.
next(#{jobs := Jobs, waiting := Waiting, active := Active} = Queue) ->
    {From, Taken} = case queue:len(Active) < ?MOST_ACTIVE of
        true -> {waiting, queue:out(Waiting)};
        false -> {active, queue:out(Active)}
    end,
    case {From, Taken} of
        {waiting, {empty, _}} ->
            case queue:out(Active) of
                {empty, _} -> none;
                {{value, Key}, Rest} -> known(Key, Jobs, Queue#{active := Rest})
            end;
        {waiting, {{value, Key}, Rest}} -> known(Key, Jobs, Queue#{waiting := Rest});
        {active, {{value, Key}, Rest}} -> known(Key, Jobs, Queue#{active := Rest})
    end.

known(Key, Jobs, Queue) when is_map_key(Key, Jobs) -> {Key, Queue};
known(_, _, Queue) -> next(Queue).

turn(Key, #{kind := here, fetch := todo, user := User} = Job, {View, _, _} = Views, Jobs) ->
    turn(Key, Job#{fetch := [Contact || {Contact, _, _, _} <- gatehouse_directory_view:contacts(View, User)]}, Views, Jobs);
turn({session, Pid}, #{kind := here, fetch := [_ | _] = All, user := User} = Job, {View, _, _}, Jobs) ->
    {Now, Later} = some(All),
    Wanted = [Contact || Contact <- Now, there(Contact), not about_to_tell(Contact, Jobs), wants(View, User, Contact)],
    ok = gatehouse_directory_sessions:send(Pid, {probe, Wanted}, Wanted),
    {length(Wanted), left_of(Job#{fetch := Later})};
turn(Key, #{kind := here, announce := todo, user := User} = Job, {View, _, _} = Views, Jobs) ->
    turn(Key, Job#{announce := viewers(View, User)}, Views, Jobs);
turn({session, Pid}, #{kind := here, announce := All, user := User} = Job, {View, _, _}, _) ->
    {Now, Later} = some(All),
    Told = [Viewer || Viewer <- Now, there(Viewer), wants(View, Viewer, User)],
    ok = gatehouse_directory_sessions:send(Pid, {announce, Told}, Told),
    {length(Told), left_of(Job#{announce := Later})};
turn(Key, #{kind := left, leave := todo, user := User} = Job, {View, _, _} = Views, Jobs) ->
    turn(Key, Job#{leave := viewers(View, User)}, Views, Jobs);
turn(_, #{kind := left, leave := All, user := User, presence := Presence} = Job, {View, _, _}, _) ->
    {Now, Later} = some(All),
    Told = [Viewer || Viewer <- Now, there(Viewer), wants(View, Viewer, User)],
    lists:foreach(fun(Viewer) -> gatehouse_directory_sessions:say(Presence, Viewer) end, Told),
    {length(Told), left_of(Job#{leave := Later})};
turn(Key, #{kind := items, items := todo, user := User} = Job, {View, _, _} = Views, Jobs) ->
    turn(Key, Job#{items := [Contact || {Contact, _, _, _} <- gatehouse_directory_view:contacts(View, User)]}, Views, Jobs);
turn({items, Pid}, #{kind := items, items := All, nodes := Nodes} = Job, _, _) ->
    {Now, Later} = some(All),
    Owed = gatehouse_directory_events:owed(Now, Nodes),
    ok = gatehouse_directory_sessions:send(Pid, {events, Owed}, Owed),
    {length(Owed), left_of(Job#{items := Later})};
turn({user, User} = Key, #{kind := user, changes := [], looked := From} = Job, {View, Before, Touched} = Views, Jobs) when is_integer(From) ->
    case gatehouse_directory_difference:of_user(User, Touched(From), Before(From), View) of
        [] -> {0, done};
        Changes -> turn(Key, Job#{changes := Changes, looked := none}, Views, Jobs)
    end;
turn({user, User}, #{kind := user, changes := Changes, looked := Looked} = Job, {View, _, _}, _) ->
    {Now, Later} = some(Changes),
    Sent = gatehouse_directory_sessions:change(User, gatehouse_directory_view:generation(View), Now),
    {Sent, case {Later, Looked} of
        {[], none} -> done;
        _ -> Job#{changes := Later}
    end}.

left_of(#{kind := here, fetch := [], announce := []}) -> done;
left_of(#{kind := left, leave := []}) -> done;
left_of(#{kind := items, items := []}) -> done;
left_of(Job) -> Job.

some(All) when length(All) =< ?TURN -> {All, []};
some(All) -> lists:split(?TURN, All).

viewers(View, {_, Host} = User) ->
    case gatehouse_directory_view:viewers(View, User) of
        everybody -> lists:delete(User, gatehouse_directory_view:online(Host));
        Viewers -> Viewers
    end.

%% Of another server nobody knows.
there({Name, Host}) ->
    not ejabberd_router:is_my_host(Host) orelse ejabberd_sm:get_user_present_resources(Name, Host) =/= [].

%% All their sessions are still to say to everybody that they are here.
about_to_tell({Name, Host}, Jobs) ->
    case ejabberd_router:is_my_host(Host) andalso ejabberd_sm:get_session_sids(Name, Host) of
        [_ | _] = Sids -> lists:all(fun({_, Pid}) ->
                                        case Jobs of
                                            #{{session, Pid} := #{announce := todo}} -> true;
                                            _ -> false
                                        end
                                    end, Sids);
        _ -> false
    end.

wants(View, Viewer, User) ->
    gatehouse_directory_view:sees(View, Viewer, User) andalso not gatehouse_directory_roster:is_away(View, Viewer, User, sees).
