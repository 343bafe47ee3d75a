// Tree: what comes to a node, and the way of one sample. Without this script the picture, its
// tooltips and the text show.
function(box){
  var d=JSON.parse(box.dataset.w),svg=box.querySelector('svg'),picked=-1;
  if(!svg)return;
  function make(tag,cls,into,text){var e=document.createElement(tag);if(cls)e.className=cls;if(text)e.textContent=text;into.append(e);return e}
  var spots=[].slice.call(svg.querySelectorAll('.whybook-spot')),panel=make('div','whybook-node',box),say=make('div','',panel),node=make('div','',panel);
  say.setAttribute('role','status');
  function thumb(k,into){
    var w=d.w[k],e=make('button','',into);e.type='button';
    if(d.s){var i=make('i','',e);i.style.cssText='width:'+d.t+'px;height:'+d.t+'px;background:url('+d.s+') -'+k%d.c*d.t+'px -'+Math.floor(k/d.c)*d.t+'px'}
    else e.textContent=w.n;
    e.title=w.n;e.setAttribute('aria-label','Follow '+w.n);e.onclick=function(){select.value=k;follow(k)}}
  function show(k){
    var n=d.n[k],total=0,most=0;node.textContent='';
    make('b','',node,n.t);
    (n.c||[]).forEach(function(v){total+=v;most=Math.max(most,v)});
    if(n.c){
      make('p','',node,+total.toPrecision(6)+' samples'+(d.n[0].c&&total?', '+(100*total/d.n[0].c.reduce(function(a,b){return a+b},0)).toFixed(1)+' % of all':''));
      var list=make('div','whybook-hist',node);
      n.c.forEach(function(v,j){if(v){make('span','',list,d.k[j]);make('i','',list).style.width=Math.max(1,180*v/most)+'px';make('span','',list,String(+v.toPrecision(6)))}})}
    var here=[];d.w.forEach(function(w,i){if(w.p.indexOf(k)>=0)here.push(i)});
    if(here.length){make('p','',node,'Come here:');var row=make('div','whybook-bar',node);here.slice(0,12).forEach(function(i){thumb(i,row)});if(here.length>12)make('span','',row,here.length-12+' more')}}
  function follow(k){
    picked=k;say.textContent='';
    svg.querySelectorAll('.whybook-way').forEach(function(e){e.remove()});
    spots.forEach(function(s){s.classList.remove('whybook-lit')});
    if(k<0)return;
    var w=d.w[k],list=make('ol','',say),last=null;
    w.p.forEach(function(i,at){
      var n=d.n[i],next=w.p[at+1],s=spots[i];
      make('li','',list,next===undefined?n.t+(w.m?' (the rest of the way is folded away)':''):n.t+' '+(d.n[next].e||''));
      s.classList.add('whybook-lit');
      function num(a,q){return parseFloat(q.getAttribute(a))}
      if(last){
        var x=num('x',last)+num('width',last),y=num('y',last)+num('height',last)/2,u=num('x',s),v=num('y',s)+num('height',s)/2,m=(x+u)/2;
        var path=document.createElementNS('http://www.w3.org/2000/svg','path');
        path.setAttribute('d','M'+x+' '+y+'C'+m+' '+y+' '+m+' '+v+' '+u+' '+v);path.setAttribute('class','whybook-way');svg.insertBefore(path,spots[0])}
      last=s})}
  var select;
  if(d.w.length){
    var bar=make('div','whybook-bar',box),label=make('label','',bar,'Follow ');
    box.prepend(bar);
    select=make('select','',label);
    make('option','',select,'no instance').value=-1;
    d.w.forEach(function(w,k){make('option','',select,w.n).value=k});
    select.oninput=function(){follow(+select.value)}}
  spots.forEach(function(s,k){
    s.addEventListener('pointerenter',function(){show(k)});
    s.addEventListener('focus',function(){show(k)});
    s.addEventListener('keydown',function(e){
      var n=d.n[k],to={ArrowLeft:function(o,i){return i===n.p},ArrowRight:function(o){return o.p===k},
        ArrowDown:function(o,i){return i>k&&o.d===n.d},ArrowUp:null}[e.key],i=-1;
      if(e.key==='ArrowUp'){for(var j=k-1;j>=0&&i<0;j--)if(d.n[j].d===n.d)i=j}else if(to)i=d.n.findIndex(to);else return;
      e.preventDefault();e.stopPropagation();if(i>=0)spots[i].focus()})});
  show(0)}
