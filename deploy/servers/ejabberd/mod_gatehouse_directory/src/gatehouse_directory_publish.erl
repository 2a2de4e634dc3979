%% SPDX-License-Identifier: GPL-2.0-or-later
%% What is published and read for a user from inside the server, by the server's own way: as if the user had sent it. DIRECTORY.md section 8.
-module(gatehouse_directory_publish).

-export([request/3]).

-include("gatehouse_directory.hrl").

-define(REQUESTS, [{set, <<"publish">>}, {set, <<"retract">>}, {get, <<"read">>}, {set, <<"vcard">>}, {get, <<"vcard">>}]).
-define(LARGEST, 262144).
-define(MOST_ITEMS, 1000).
-define(USUAL_ITEMS, 100).

%% Throws a #stanza_error{} where it cannot be done.
-spec request(get | set, binary(), #xmlel{}) -> none | #xmlel{}.
request(Type, Host, #xmlel{name = Asked, attrs = Attrs} = El) ->
    lists:member({Type, Asked}, ?REQUESTS) orelse throw(xmpp:err_feature_not_implemented()),
    case gatehouse_directory_parts:bare(fxml:get_attr_s(<<"jid">>, Attrs)) of
        {Name, Host} -> request(Type, El, jid:make(Name, Host), Host);
        {_, _} -> throw(xmpp:err_item_not_found());
        error -> throw(bad(<<"jid: a bare JID of this host is wanted">>))
    end.

request(set, #xmlel{name = <<"publish">>} = El, User, Host) -> publish(El, account(User, mod_pubsub, Host));
request(set, #xmlel{name = <<"retract">>, attrs = Attrs}, User, Host) ->
    retract(attr(<<"node">>, Attrs), attr(<<"id">>, Attrs), account(User, mod_pubsub, Host));
request(get, #xmlel{name = <<"read">>, attrs = Attrs}, User, Host) -> read(Attrs, account(User, mod_pubsub, Host));
request(set, #xmlel{name = <<"vcard">>} = El, User, Host) ->
    [VCard] = one(children(El), <<"vCard">>),
    _ = ask(mod_vcard, process_sm_iq, set, account(User, mod_vcard, Host), VCard),
    none;
request(get, #xmlel{name = <<"vcard">>}, User, Host) ->
    Found = ask(mod_vcard, process_sm_iq, get, account(User, mod_vcard, Host), #xmlel{name = <<"vCard">>, attrs = [{<<"xmlns">>, ?NS_VCARD}]}),
    Full = [El || #xmlel{name = <<"vCard">>, children = [_ | _]} = El <- Found],
    ours(<<"vcard">>, [{<<"jid">>, jid:encode(User)}], Full).

account(#jid{luser = Name, lserver = Host} = User, Module, Host) ->
    gen_mod:is_loaded(Host, Module) orelse throw(xmpp:err_feature_not_implemented()),
    ejabberd_auth:user_exists(Name, Host) orelse throw(xmpp:err_item_not_found()),
    User.

publish(#xmlel{attrs = Attrs} = El, User) ->
    Node = attr(<<"node">>, Attrs),
    {Options, Payloads} = lists:partition(fun(#xmlel{name = Name, attrs = Said}) ->
                                              Name =:= <<"options">> andalso lists:member(fxml:get_attr_s(<<"xmlns">>, Said), [<<>>, ?NS_DIRECTORY])
                                          end, children(El)),
    [Payload] = one(Payloads, any),
    Forms = case Options of
        [] -> [];
        [One] ->
            [Form] = one(children(One), <<"x">>),
            [#xmlel{name = <<"publish-options">>, children = [known(Form, Node, User)]}];
        _ -> throw(bad(<<"more than one element options">>))
    end,
    Given = fxml:get_attr_s(<<"id">>, Attrs),
    Id = [{<<"id">>, Given} || Given =/= <<>>],
    Publish = element_of(<<"publish">>, [{<<"node">>, Node}], [#xmlel{name = <<"item">>, attrs = Id, children = [Payload]}]),
    Result = ask(mod_pubsub, iq_sm, set, User, element_of(<<"pubsub">>, [{<<"xmlns">>, ?NS_PUBSUB}], [Publish | Forms])),
    Made = [fxml:get_attr_s(<<"id">>, Said) || #xmlel{name = <<"pubsub">>} = PubSub <- Result,
                                               #xmlel{name = <<"publish">>} = Published <- children(PubSub),
                                               #xmlel{name = <<"item">>, attrs = Said} <- children(Published)],
    ItemId = case Made of [New | _] -> New; [] -> Given end,
    ok = gatehouse_directory_events:published({User#jid.luser, User#jid.lserver}, Node, {item, ItemId}),
    ours(<<"publish">>, [{<<"jid">>, jid:encode(User)}, {<<"node">>, Node}, {<<"id">>, ItemId}], []).

%% Of the options those that this version of the server knows as such. Others a new node is made with.
known(#xmlel{children = Fields} = Form, Node, User) ->
    {Type, Options} = lists:partition(fun(#xmlel{attrs = Attrs}) -> fxml:get_attr_s(<<"var">>, Attrs) =:= <<"FORM_TYPE">>;
                                         (_) -> false
                                      end, [El || #xmlel{} = El <- Fields]),
    {Known, Others} = lists:partition(fun(Option) -> is_known(Form#xmlel{children = Type ++ [Option]}) end, Options),
    _ = Others =:= [] orelse create(Node, Options, User),
    Form#xmlel{children = Type ++ Known}.

is_known(Form) ->
    try pubsub_publish_options:decode((xmpp:decode(Form))#xdata.fields) of
        _ -> true
    catch error:{pubsub_publish_options, {unknown_var, _, _}} -> false;
          error:_ -> true % the server says what is wrong
    end.

create(Node, Options, User) ->
    Type = element_of(<<"field">>, [{<<"var">>, <<"FORM_TYPE">>}, {<<"type">>, <<"hidden">>}],
                      [element_of(<<"value">>, [], [{xmlcdata, ?NS_PUBSUB_NODE_CONFIG}])]),
    Form = element_of(<<"x">>, [{<<"xmlns">>, ?NS_XDATA}, {<<"type">>, <<"submit">>}], [Type | Options]),
    try ask(mod_pubsub, iq_sm, set, User, element_of(<<"pubsub">>, [{<<"xmlns">>, ?NS_PUBSUB}],
                                                    [element_of(<<"create">>, [{<<"node">>, Node}], []),
                                                     element_of(<<"configure">>, [], [Form])]))
    catch throw:#stanza_error{reason = conflict} -> [] % it is there
    end.

retract(Node, Id, User) ->
    %% Not every version says so of an item that is not there.
    items(User, Node, Id, 1) =/= [] orelse throw(xmpp:err_item_not_found()),
    Retract = element_of(<<"retract">>, [{<<"node">>, Node}, {<<"notify">>, <<"true">>}], [#xmlel{name = <<"item">>, attrs = [{<<"id">>, Id}]}]),
    _ = ask(mod_pubsub, iq_sm, set, User, element_of(<<"pubsub">>, [{<<"xmlns">>, ?NS_PUBSUB}], [Retract])),
    ok = gatehouse_directory_events:published({User#jid.luser, User#jid.lserver}, Node, {retract, Id}),
    none.

read(Attrs, User) ->
    Node = attr(<<"node">>, Attrs),
    Most = case fxml:get_attr_s(<<"max">>, Attrs) of
        <<>> -> ?USUAL_ITEMS;
        Text ->
            try binary_to_integer(Text) of
                Max when Max >= 1, Max =< ?MOST_ITEMS -> Max;
                _ -> throw(bad(<<"max: 1 to 1000">>))
            catch error:badarg -> throw(bad(<<"max: a number is wanted">>))
            end
    end,
    {Fitting, Cut} = fitting(lists:reverse(items(User, Node, fxml:get_attr_s(<<"id">>, Attrs), Most)), 0, []),
    ours(<<"read">>, [{<<"jid">>, jid:encode(User)}, {<<"node">>, Node}] ++ [{<<"truncated">>, <<"true">>} || Cut],
         [#xmlel{name = <<"item">>, attrs = [{<<"id">>, Id}], children = Payload} || {Id, Payload} <- Fitting]).

%% Oldest first.
items(User, Node, Id, Most) ->
    Wanted = [#xmlel{name = <<"item">>, attrs = [{<<"id">>, Id}]} || Id =/= <<>>],
    Max = [{<<"max_items">>, integer_to_binary(Most)} || Id =:= <<>>],
    Result = ask(mod_pubsub, iq_sm, get, User, element_of(<<"pubsub">>, [{<<"xmlns">>, ?NS_PUBSUB}],
                                                         [element_of(<<"items">>, [{<<"node">>, Node} | Max], Wanted)])),
    [{fxml:get_attr_s(<<"id">>, Said), Payload} || #xmlel{name = <<"pubsub">>} = PubSub <- Result, #xmlel{name = <<"items">>} = Items <- children(PubSub),
                                                   #xmlel{name = <<"item">>, attrs = Said, children = Payload} <- children(Items)].

%% From the newest, as many as fit.
fitting([], _, Taken) -> {Taken, false};
fitting([{_, Payload} = Item | Rest], Size, Taken) ->
    case Size + byte_size(iolist_to_binary([fxml:element_to_binary(El) || #xmlel{} = El <- Payload])) of
        Larger when Larger > ?LARGEST -> {Taken, true};
        Larger -> fitting(Rest, Larger, [Item | Taken])
    end.

%% As the user, to their own account. What comes back is written as it would be to them.
ask(Module, Function, Type, User, El) ->
    Bytes = byte_size(fxml:element_to_binary(El)),
    Bytes =< ?LARGEST + 4096 orelse throw(xmpp:err_resource_constraint(<<"larger than 256 KiB">>, <<"en">>)),
    Payload = try xmpp:decode(El)
              catch _:{xmpp_codec, Why} -> throw(bad(xmpp:io_format_error(Why)))
              end,
    Iq = #iq{type = Type, id = p1_rand:get_string(), from = User, to = User, lang = <<"en">>, sub_els = [Payload]},
    case Module:Function(Iq) of
        #iq{type = result, sub_els = Els} -> [xmpp:encode(Sub, ?NS_CLIENT) || Sub <- Els];
        #iq{type = error} = Error -> throw(xmpp:get_error(Error));
        ignore -> []
    end.

ours(Name, Attrs, Children) -> element_of(Name, [{<<"xmlns">>, ?NS_DIRECTORY} | Attrs], Children).

element_of(Name, Attrs, Children) -> #xmlel{name = Name, attrs = Attrs, children = Children}.

children(#xmlel{children = Children}) -> [El || #xmlel{} = El <- Children].

attr(Name, Attrs) ->
    case fxml:get_attr_s(Name, Attrs) of
        <<>> -> throw(bad(<<Name/binary, " is wanted">>));
        Value -> Value
    end.

one([#xmlel{}] = All, any) -> All;
one([#xmlel{name = Name}] = All, Name) -> All;
one(_, any) -> throw(bad(<<"one payload element is wanted">>));
one(_, Name) -> throw(bad(<<"one element ", Name/binary, " is wanted">>)).

bad(Why) -> xmpp:err_bad_request(Why, <<"en">>).
